import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Reject } from '../../src/api/decode.ts';
import { formatBeijing } from '../../src/beijing.ts';
import { replayQuarantine } from '../../src/ingest/replay.ts';
import { readQuarantine } from '../../src/store/answers/quarantine.ts';
import { storeAnswer } from '../../src/store/answers/write.ts';
import type { Database } from '../../src/store/connection/database.ts';
import {
  type AnswerParts,
  answer,
  clear,
  row,
  start,
  storedRevisions,
  storedRows,
  valuesOf,
} from '../store/answers/answering.ts';
import { hour, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../support/database.ts';

const mentions = 'CO-A-01-05';
const share = 'CO-A-01-09';

/** As a program would have left it that could not read what this one can. */
const reject = (changes: Partial<Reject>): Reject => ({
  reason: 'no finite number',
  part: 'value',
  token: 'BTC',
  time: start,
  metric: mentions,
  raw: { endpoint: mentions, value: '7' },
  ...changes,
});

const windowOf = (time: number, value: unknown) => ({
  startTime: formatBeijing(time),
  data: [
    { endpoint: mentions, value },
    { endpoint: share, value: 0.25 },
  ],
});

describeOnServers('a replay of the quarantine', (kind) => {
  let database: Database;
  const clock = new ManualClock(start + 50 * hour);
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => clear(database));

  const store = (rejects: readonly Reject[], parts: AnswerParts = {}) =>
    storeAnswer(database, answer({ rejects, ...parts }));
  const replay = (filter = {}) =>
    replayQuarantine({ database, clock, settleDelay: 900_000, lookbackWindows: 4, filter });
  const stored = async () =>
    (await storedRows(database)).map((each) => [each.token, each.time, valuesOf(each)]);
  const open = async () =>
    (await readQuarantine(database, {}, 100)).map(({ raw }) => JSON.parse(raw) as unknown);

  it('stores a value that can be read now, as one that came late, and is done with it', async () => {
    await store([reject({})]);
    expect(await replay()).toEqual({ replayed: 1, superseded: 0, left: 0, values: 1 });
    expect(await stored()).toEqual([['BTC', new Date(start), { [mentions]: 7 }]]);
    expect(await storedRevisions(database)).toMatchObject([
      { metric: mentions, old: null, new: 7, revised_at: new Date(clock.now()) },
    ]);
    expect(await rows(database, 'select resolution, resolved_at from cryptoracle.quarantine')).toEqual([
      { resolution: 'replayed', resolved_at: new Date(clock.now()) },
    ]);
    expect(await replay()).toEqual({ replayed: 0, superseded: 0, left: 0, values: 0 });
  });

  it('leaves alone what the API has said of the cell since', async () => {
    await store([reject({})]);
    await store([], { rows: [row('BTC', start, { [mentions]: 9 })] });
    expect(await replay()).toEqual({ replayed: 0, superseded: 1, left: 0, values: 0 });
    expect(await stored()).toEqual([['BTC', new Date(start), { [mentions]: 9 }]]);
  });

  it('reads windows, entries and tags, each in its place', async () => {
    await store([
      reject({
        part: 'window',
        reason: 'malformed',
        time: undefined,
        metric: undefined,
        raw: windowOf(start, 3),
      }),
      reject({
        part: 'entry',
        reason: 'malformed',
        token: undefined,
        time: undefined,
        metric: undefined,
        raw: { token: 'BTC', timePeriods: [windowOf(start + hour, '4')] },
      }),
    ]);
    await store(
      [
        reject({
          part: 'tag',
          reason: 'malformed',
          time: undefined,
          metric: undefined,
          raw: { code: 'CO-B-01-04', value: 'DeFi' },
        }),
      ],
      { granularity: '1d', metrics: [], tags: ['CO-B-01-04'], to: start + 24 * hour },
    );
    expect(await replay()).toEqual({ replayed: 3, superseded: 0, left: 0, values: 5 });
    expect(await stored()).toEqual([
      ['BTC', new Date(start), { [mentions]: 3, [share]: 0.25 }],
      ['BTC', new Date(start + hour), { [mentions]: 4, [share]: 0.25 }],
    ]);
    expect(await rows(database, 'select tag, value, first_day::text from cryptoracle.token_tags')).toEqual([
      { tag: 'CO-B-01-04', value: 'DeFi', first_day: '2025-06-01' },
    ]);
  });

  it('takes a metric that nobody knew then, though it was not asked for', async () => {
    await store([reject({ reason: 'unknown metric' })], { metrics: [share] });
    expect(await replay()).toMatchObject({ replayed: 1, values: 1 });
    expect(await stored()).toEqual([['BTC', new Date(start), { [mentions]: 7 }]]);
  });

  it.each<[string, Partial<Reject>]>([
    ['no number', { raw: { endpoint: mentions, value: 'n/a' } }],
    [
      'of a token that was not asked for',
      { token: 'ETH', part: 'entry', raw: { token: 'ETH', endPoints: [windowOf(start, 1)] } },
    ],
    [
      'of a metric that was not asked for',
      { reason: 'metric not asked for', raw: { endpoint: share, value: 1 }, metric: share },
    ],
    ['outside the range', { part: 'window', raw: windowOf(start + 9 * hour, 1), time: start + 9 * hour }],
    ['an empty value', { raw: { endpoint: mentions, value: '' } }],
    ['too long to be kept whole', { raw: { endpoint: mentions, value: '1', more: 'x'.repeat(1_100_000) } }],
    ['nothing at all', { part: 'entry', raw: null, token: undefined }],
  ])('leaves what is %s where it is', async (_, changes) => {
    await store([reject(changes)], { metrics: [mentions] });
    expect(await replay()).toEqual({ replayed: 0, superseded: 0, left: 1, values: 0 });
    expect(await stored()).toEqual([]);
  });

  it('keeps what is still unreadable of a part, as a part of its own', async () => {
    const bad = { endpoint: share, value: 'n/a' };
    const raw = { startTime: formatBeijing(start), data: [{ endpoint: mentions, value: 1 }, bad] };
    await store([reject({ part: 'window', reason: 'malformed', metric: undefined, raw })]);
    expect(await replay()).toMatchObject({ replayed: 1, values: 1 });
    expect(await open()).toEqual([bad]);
  });

  it('goes through any number of entries, and only through those that are named', async () => {
    // More than are read at a time.
    const many = Array.from({ length: 520 }, (_, number) =>
      reject({ time: start + (number % 2) * hour, raw: { endpoint: mentions, value: `${number}` } }),
    );
    await store(many);
    await store([reject({ token: 'ETH' })], { tokens: ['ETH'] });
    expect(await replay({ tokens: ['ETH'] })).toMatchObject({ replayed: 1 });
    expect(await replay()).toMatchObject({ replayed: 2, superseded: 518, left: 0, values: 2 });
  });

  it('is open again when the same comes again', async () => {
    await store([reject({})]);
    await store([], { rows: [row('BTC', start, { [mentions]: 9 })] });
    await replay();
    await store([reject({})]);
    expect(await open()).toHaveLength(1);
  });
});
