import { readCell, readCoverage } from '../queries/coverage.ts';
import { readFreshnessPage, readGapPage } from '../queries/lists.ts';
import { readMetrics, readMovers, readTokens, readValues, readZscores } from '../queries/values.ts';
import { readWhy } from '../queries/why.ts';
import * as schemas from '../schemas/index.ts';
import { type Questions, question } from './question.ts';

/** Values, what stands out among them, and how complete they are. */
export const dataQuestions: Questions = (options) => {
  const { reading, clock, settings } = options;
  return [
    question({
      name: 'status',
      title: 'How things are',
      summary: 'How fresh and how full everything is, and what to do about it',
      query: schemas.noQuery,
      answer: schemas.now,
      ask: () => options.now(),
    }),
    question({
      name: 'metrics',
      title: 'Metrics',
      summary: 'Metrics and labels (tags): code, column, unit, range and meaning; and the granularities',
      query: schemas.noQuery,
      answer: schemas.metrics,
      ask: () => readMetrics(reading),
    }),
    question({
      name: 'tokens',
      title: 'Tokens',
      summary: 'Tokens by ticker and name, in the order of the API',
      query: schemas.tokensQuery,
      answer: schemas.tokens,
      ask: (query) => readTokens(reading, query),
    }),
    question({
      name: 'values',
      title: 'Values',
      summary:
        'Values of some tokens and metrics, oldest first, as they are or as they were known at an instant',
      query: schemas.valuesQuery,
      answer: schemas.values,
      ask: (query) => readValues(reading, query),
    }),
    question({
      name: 'freshness',
      title: 'Freshness of tokens',
      summary: 'How far each token has come in each granularity, those that are late or behind first',
      query: schemas.freshnessQuery,
      answer: schemas.tokensFreshness,
      ask: (query) => readFreshnessPage(reading, query),
    }),
    question({
      name: 'movers',
      title: 'Movers',
      summary: 'Newest windows against those 24 hours before, the largest change first',
      query: schemas.moversQuery,
      answer: schemas.movers,
      ask: (query) => readMovers(reading, query),
    }),
    question({
      name: 'zscores',
      title: 'Unusual sentiment',
      summary: "Net sentiment against each token's own 30 days, the most unusual first",
      query: schemas.zscoresQuery,
      answer: schemas.zscores,
      ask: (query) => readZscores(reading, query),
    }),
    question({
      name: 'coverage',
      title: 'Coverage',
      summary: 'What is there, token by day: a letter for each day, which the legend explains',
      query: schemas.coverageQuery,
      answer: schemas.coverage,
      ask: (query) => readCoverage(reading, query),
    }),
    question({
      name: 'cell',
      title: 'A cell of the coverage',
      summary: 'Why a stretch of windows of a token looks as it does: gaps, calls, counts',
      query: schemas.cellQuery,
      answer: schemas.cell,
      ask: (query) => readCell(reading, query),
    }),
    question({
      name: 'why',
      title: 'The life of one window',
      summary: 'The life of one window: when it was due, what was asked and came, what is next',
      query: schemas.whyQuery,
      answer: schemas.story,
      ask: (query) => readWhy(reading, query, settings, clock.now()),
    }),
    question({
      name: 'gaps',
      title: 'Gaps',
      summary: 'What is missing, and why',
      query: schemas.gapsQuery,
      answer: schemas.gaps,
      ask: (query) => readGapPage(reading, query),
    }),
  ];
};
