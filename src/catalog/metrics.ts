/**
 * The metrics the API sells. Everything that knows metrics (table columns, validation, database comments,
 * documentation, the simulator) derives from this list; a new metric is one entry and one generated migration.
 */

export type MetricKind = 'rank' | 'change' | 'count' | 'ratio' | 'difference' | 'score';

interface MetricEntry {
  /** The API's code, as sent in `endpoints`. */
  readonly code: string;
  /** The column of the metric tables that holds it. */
  readonly column: string;
  readonly kind: MetricKind;
  readonly unit: string;
  /** Bounds that a sensible value keeps; `null` where there is none. */
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly meaning: string;
}

export const metrics = [
  {
    code: 'CO-A-01-01',
    column: 'mention_rank',
    kind: 'rank',
    unit: 'position',
    minimum: 1,
    maximum: null,
    meaning:
      'Position of the token when all tokens are ordered by mentions in the window; 1 is the most mentioned',
  },
  {
    code: 'CO-A-01-02',
    column: 'mention_rank_change',
    kind: 'change',
    unit: 'positions',
    minimum: null,
    maximum: null,
    meaning: 'How far the position moved since the previous window of the same granularity',
  },
  {
    code: 'CO-A-01-03',
    column: 'message_count',
    kind: 'count',
    unit: 'messages',
    minimum: 0,
    maximum: null,
    meaning: "Valid messages posted in the token's own communities",
  },
  {
    code: 'CO-A-01-04',
    column: 'interaction_count',
    kind: 'count',
    unit: 'interactions',
    minimum: 0,
    maximum: null,
    meaning: "Likes, shares, replies and quotes in the token's communities",
  },
  {
    code: 'CO-A-01-05',
    column: 'mention_count',
    kind: 'count',
    unit: 'mentions',
    minimum: 0,
    maximum: null,
    meaning: "Mentions of the token's name, ticker, nicknames and keywords on all platforms",
  },
  {
    code: 'CO-A-01-07',
    column: 'unique_user_count',
    kind: 'count',
    unit: 'users',
    minimum: 0,
    maximum: null,
    meaning: 'Distinct users who mentioned the token',
  },
  {
    code: 'CO-A-01-08',
    column: 'community_count',
    kind: 'count',
    unit: 'communities',
    minimum: 0,
    maximum: null,
    meaning: 'Communities (groups or channels) in which the token was mentioned at least once',
  },
  {
    code: 'CO-A-01-09',
    column: 'mention_share',
    kind: 'ratio',
    unit: '1',
    minimum: 0,
    maximum: 1,
    meaning: "The token's mentions divided by the mentions of all tokens",
  },
  {
    code: 'CO-A-02-01',
    column: 'positive_ratio',
    kind: 'ratio',
    unit: '1',
    minimum: 0,
    maximum: 1,
    meaning: 'Influence-weighted share of positive sentiment expressions',
  },
  {
    code: 'CO-A-02-02',
    column: 'negative_ratio',
    kind: 'ratio',
    unit: '1',
    minimum: 0,
    maximum: 1,
    meaning: 'Influence-weighted share of negative sentiment expressions',
  },
  {
    code: 'CO-A-02-03',
    column: 'net_sentiment',
    kind: 'difference',
    unit: '1',
    minimum: -1,
    maximum: 1,
    meaning: 'Positive ratio minus negative ratio: which way sentiment leans and how strongly',
  },
  {
    code: 'CO-A-02-04',
    column: 'extreme_sentiment_ratio',
    kind: 'ratio',
    unit: '1',
    minimum: 0,
    maximum: 1,
    meaning: 'Influence-weighted share of expressions at the extremes (score above +0.8 or below -0.8)',
  },
  {
    code: 'CO-A-02-05',
    column: 'sentiment_consensus',
    kind: 'score',
    unit: '1',
    minimum: null,
    maximum: null,
    meaning: "How far different users' sentiment about the token agrees within the window",
  },
] as const satisfies readonly MetricEntry[];

export type Metric = (typeof metrics)[number];
export type MetricCode = Metric['code'];
export type MetricColumn = Metric['column'];

export const metricCodes: readonly MetricCode[] = metrics.map((metric) => metric.code);

const positions = new Map<string, number>(metrics.map((metric, position) => [metric.code, position]));

export function isMetricCode(text: string): text is MetricCode {
  return positions.has(text);
}

/** Where the metric stands in the catalogue; rows of values are arrays in this order. */
export function metricPosition(code: MetricCode): number {
  const position = positions.get(code);
  if (position === undefined) throw new RangeError(`not in the catalogue: ${code}`);
  return position;
}

/** Accepts a code (`CO-A-01-05`) or a column name (`mention_count`), in any case. */
export function findMetric(text: string): Metric | undefined {
  const wanted = text.toLowerCase();
  return metrics.find((metric) => metric.code.toLowerCase() === wanted || metric.column === wanted);
}
