import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiFailure, type FailureKind } from '../../src/api/failure.ts';
import {
  asToken,
  type MetricCode,
  metricCodes,
  type TagCode,
  tagCodes,
  windowLength,
} from '../../src/catalog/index.ts';
import { type Inquiry, type Outcome, plain } from '../../src/ingest/inquiry.ts';
import { judge, leaveOutRefused } from '../../src/ingest/refusal-recovery.ts';
import { codesOf, type FillerCodes, fillersFor, withFillers } from '../../src/ingest/splitting.ts';
import type { DataRequest } from '../../src/planning/request.ts';

/** An API as its page and its clients describe it, without a network: knows what it has, and refuses as it does. */
interface ModelApi {
  /** Whether it is known that tokens without values are left out of an answer, as the model does. */
  readonly speaksForAll: boolean;
  readonly refused: ReadonlySet<string>;
  readonly wrongTokens: ReadonlySet<string>;
  readonly emptyTokens: ReadonlySet<string>;
  /** A range that reaches before this window is answered with code 203 as a whole. */
  readonly horizon: number;
  /** Most values in an answer. */
  readonly limit: number;
  readonly overLimit: 'error' | 'cut';
  /** A token and a window that no answer comes for. */
  readonly broken: { readonly token: string; readonly time: number } | undefined;
}

const granularity = '4h';
const length = windowLength[granularity];
const origin = Date.UTC(2025, 0, 1);
const tokens = ['BTC', 'ETH', 'SOL', 'XRP', 'ADA', 'DOGE', 'TON'].map(asToken);

const failed = (kind: FailureKind): Outcome => ({ kind: 'failed', failure: new ApiFailure(kind, kind) });

function starts({ interval }: DataRequest): number[] {
  const found: number[] = [];
  for (let time = interval.start; time < interval.end; time += length) found.push(time);
  return found;
}

function answer(api: ModelApi, question: DataRequest): Outcome {
  const windows = starts(question);
  const values = question.tokens.length * windows.length * codesOf(question).length;
  if (question.tokens.some((token) => api.wrongTokens.has(token))) return failed('bad-request');
  if (question.metrics.length === 0) return failed('bad-request');
  if (values > api.limit && api.overLimit === 'error') return failed('bad-request');
  if (codesOf(question).some((code) => api.refused.has(code))) return failed('metric-refused');
  const { broken } = api;
  if (broken !== undefined && question.tokens.some((token) => token === broken.token)) {
    if (windows.includes(broken.time)) return failed('transient');
  }
  if (question.interval.start < api.horizon) return failed('no-data');
  const present = question.tokens.filter((token) => !api.emptyTokens.has(token));
  if (present.length === 0) return failed('no-data');
  const sent = present.length * windows.length * codesOf(question).length;
  return { kind: 'answered', values: Math.min(sent, api.limit), isCutShort: sent > api.limit };
}

type End = 'answered' | 'empty' | 'refused' | 'failed';

/** Works a request off as an ingestor does. @returns how each cell ended, in order, and who was blamed */
function drain(request: DataRequest, api: ModelApi, known: ReadonlySet<string>) {
  const refused = new Set(codesOf(request).filter((code) => known.has(code)));
  const granted = new Set<MetricCode | TagCode>();
  const ends = new Map<string, End[]>();
  const blamed: string[] = [];
  const note = (of: DataRequest, end: End) => {
    for (const time of starts(of)) {
      for (const token of of.tokens) {
        for (const code of codesOf(of)) {
          const cell = `${token} ${time} ${code}`;
          ends.set(cell, [...(ends.get(cell) ?? []), end]);
        }
      }
    }
  };
  const waiting: Inquiry[] = [plain(request)];
  let asked = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { allowed, leftOut } = leaveOutRefused(next, refused);
    for (const each of leftOut) note(each, 'refused');
    if (allowed === undefined) continue;
    const fillers: FillerCodes =
      allowed.step.kind === 'other-company'
        ? allowed.step.fillers
        : fillersFor(allowed.request, { refused, granted }, false);
    if (++asked > 5000) throw new Error('asks for ever');
    const question = withFillers(allowed.request, fillers);
    const outcome = answer(api, question);
    if (outcome.kind === 'answered') for (const code of codesOf(question)) granted.add(code);
    const verdict = judge(allowed, outcome, {
      refused,
      granted,
      recordLimit: api.limit,
      fillers,
      isKnownEmpty: false,
      speaksForAll: api.speaksForAll,
    });
    if (outcome.kind === 'answered' && !outcome.isCutShort) note(allowed.request, 'answered');
    for (const each of verdict.empty ?? []) note(each, 'empty');
    for (const each of verdict.leftOut ?? []) note(each, 'refused');
    for (const each of verdict.failed ?? []) note(each.request, 'failed');
    for (const code of verdict.blame ?? []) {
      blamed.push(code);
      refused.add(code);
    }
    waiting.push(...(verdict.ask ?? []).toReversed());
  }
  return { ends, blamed, asked };
}

const request: fc.Arbitrary<DataRequest> = fc
  .record({
    tokens: fc.subarray(tokens.slice(0, 5), { minLength: 1 }),
    metrics: fc.subarray([...metricCodes.slice(0, 6)], { minLength: 1 }),
    windows: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ windows, ...chosen }) => ({
    ...chosen,
    granularity,
    tags: [],
    interval: { start: origin, end: origin + windows * length },
  }));

const well: ModelApi = {
  ...{ refused: new Set(), wrongTokens: new Set(), emptyTokens: new Set() },
  ...{ horizon: 0, limit: 10_000, overLimit: 'error', broken: undefined, speaksForAll: false },
};

const model: fc.Arbitrary<ModelApi> = fc.record({
  speaksForAll: fc.boolean(),
  refused: fc.subarray([...metricCodes.slice(0, 6)], { maxLength: 3 }).map((codes) => new Set<string>(codes)),
  wrongTokens: fc.subarray(tokens, { maxLength: 2 }).map((names) => new Set<string>(names)),
  emptyTokens: fc.subarray(tokens).map((names) => new Set<string>(names)),
  horizon: fc.integer({ min: -1, max: 10 }).map((windows) => origin + windows * length),
  limit: fc.integer({ min: 10, max: 200 }),
  overLimit: fc.constantFrom('error', 'cut'),
  broken: fc.option(
    fc.record({
      token: fc.constantFrom(...tokens),
      time: fc.integer({ min: 0, max: 8 }).map((n) => origin + n * length),
    }),
    { nil: undefined },
  ),
});

const split = (cell: string) => {
  const [token = '', time = '', code = ''] = cell.split(' ');
  return { token, time: Number(time), code };
};

describe('recovering from what the API refuses', () => {
  it('ends every cell exactly once: answered, empty, refused or failed', () => {
    fc.assert(
      fc.property(request, model, fc.subarray([...metricCodes.slice(0, 6)]), (asked, api, known) => {
        const { ends } = drain(asked, api, new Set(known));
        expect(ends.size).toBe(asked.tokens.length * starts(asked).length * asked.metrics.length);
        expect([...ends].filter(([, all]) => all.length !== 1)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('says of no cell what is not so', () => {
    fc.assert(
      fc.property(request, model, (asked, api) => {
        const { ends, blamed } = drain(asked, api, new Set());
        for (const code of blamed) expect(api.refused).toContain(code);
        const isSo = ([cell, [end]]: [string, End[]]) => {
          const { token, time, code } = split(cell);
          const isWrong = api.wrongTokens.has(token);
          if (end === 'refused') return api.refused.has(code);
          if (end === 'empty') return api.emptyTokens.has(token) || time < api.horizon;
          if (end === 'answered') return !api.refused.has(code) && !isWrong;
          return api.wrongTokens.size > 0 || api.broken !== undefined;
        };
        expect([...ends].filter((each) => !isSo(each))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('loses nothing but the one token that makes a request wrong', () => {
    const oneWrong = model.map((api) => ({
      ...api,
      wrongTokens: new Set([...api.wrongTokens].slice(0, 1)),
      broken: undefined,
    }));
    fc.assert(
      fc.property(request, oneWrong, (asked, api) => {
        const lost = [...drain(asked, api, new Set()).ends].filter(([, [end]]) => end === 'failed');
        expect(lost.filter(([cell]) => !api.wrongTokens.has(split(cell).token))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('blames each refused code once, in few calls, and leaves it out of all that follows', () => {
    // As many as halves come out even for: how few calls are enough depends on it.
    const sixteen = metricCodes.slice(0, 16);
    const two = fc.subarray([...sixteen], { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(two, (refused) => {
        const asked: DataRequest = {
          ...{ granularity, tokens, metrics: sixteen, tags: [] },
          interval: { start: origin, end: origin + length },
        };
        const { blamed, asked: calls } = drain(asked, { ...well, refused: new Set(refused) }, new Set());
        expect(blamed.toSorted()).toEqual(refused.toSorted());
        expect(calls).toBeLessThanOrEqual(17);
      }),
    );
  });

  it('blames what came along with a tag, or the tag, whichever is refused', () => {
    const anyTags = fc.subarray<TagCode>([...tagCodes], { minLength: 1 });
    const codes = fc.subarray([...metricCodes, ...tagCodes], { maxLength: 4 });
    fc.assert(
      fc.property(anyTags, codes, (tags, refusedCodes) => {
        const refused = new Set<string>(refusedCodes);
        const asked: DataRequest = {
          ...{ granularity: '4h', tokens: tokens.slice(0, 2), metrics: [], tags },
          interval: { start: origin, end: origin + length },
        };
        const { ends, blamed } = drain(asked, { ...well, refused }, new Set());
        for (const code of blamed) expect(refused).toContain(code);
        for (const [cell, all] of ends)
          expect(all, cell).toEqual([refused.has(split(cell).code) ? 'refused' : 'answered']);
      }),
      { numRuns: 200 },
    );
  });

  it('asks no second time for what is known to be empty', () => {
    const asked: DataRequest = {
      ...{ granularity, tokens: tokens.slice(0, 1), metrics: metricCodes, tags: [] },
      interval: { start: origin, end: origin + 5 * length },
    };
    const knowledge = {
      ...{
        refused: new Set<never>(),
        granted: new Set<never>(),
        recordLimit: 2000,
        isKnownEmpty: true,
        speaksForAll: false,
      },
      fillers: { metric: undefined, tag: undefined },
    };
    expect(judge(plain(asked), failed('no-data'), knowledge)).toEqual({ empty: [asked] });
  });
});
