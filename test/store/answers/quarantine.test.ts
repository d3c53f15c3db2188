import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Reject } from '../../../src/api/decode.ts';
import { metricCodes } from '../../../src/catalog/index.ts';
import {
  countQuarantine,
  dismissEntries,
  type QuarantineFilter,
  readQuarantine,
} from '../../../src/store/answers/quarantine.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../../support/database.ts';
import { answer, clear, mentions, row, start, storedRows } from './answering.ts';

const reject = (changes: Partial<Reject> = {}): Reject => ({
  reason: 'no finite number',
  part: 'value',
  token: 'BTC',
  time: start,
  metric: mentions,
  raw: { endpoint: mentions, value: 'NaN' },
  ...changes,
});

interface Entry {
  readonly granularity: string;
  readonly token: string | null;
  readonly time: Date | null;
  readonly metric: string | null;
  readonly reason: string;
  readonly raw: string;
  readonly times_seen: number;
  readonly first_seen_at: Date;
  readonly last_seen_at: Date;
}

describeOnServers('quarantine', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => clear(database));

  const store = (rejects: readonly Reject[], receivedAt = start + 3 * hour) =>
    storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 1 })], rejects, receivedAt }));
  const entries = () => rows<Entry>(database, 'select * from cryptoracle.quarantine order by id');

  it('keeps the raw form of what could not be stored, where it belongs and why', async () => {
    await store([reject()]);
    expect(await entries()).toMatchObject([
      {
        granularity: '1h',
        token: 'BTC',
        time: new Date(start),
        metric: mentions,
        reason: 'no finite number',
        raw: '{"endpoint":"CO-A-01-05","value":"NaN"}',
        times_seen: 1,
        first_seen_at: new Date(start + 3 * hour),
        last_seen_at: new Date(start + 3 * hour),
      },
    ]);
  });

  it('keeps the call that first brought it, with all that was asked', async () => {
    await store([reject()]);
    await store([reject()], start + 4 * hour);
    const [entry] = await readQuarantine(database, {}, 10);
    expect(entry).toMatchObject({
      part: 'value',
      resolution: null,
      request: { from: start, to: start + 2 * hour, tokens: ['BTC'], metrics: metricCodes },
    });
    const first = await value(database, 'select min(id)::int from cryptoracle.requests');
    expect(entry?.request?.id).toBe(first);
  });

  it('takes the same raw form as two parts of one answer', async () => {
    await store([reject({ part: 'window', raw: 1 }), reject({ part: 'tag', raw: 1 })]);
    expect(await entries()).toHaveLength(1);
  });

  it('is listed by what is named, and without what a person dismissed', async () => {
    await store([reject(), reject({ token: 'ETH', reason: 'malformed' }), reject({ token: 'XRP' })]);
    const tokens = async (filter: QuarantineFilter) =>
      (await readQuarantine(database, filter, 10)).map(({ token }) => token);
    expect(await tokens({ tokens: ['ETH', 'XRP'] })).toEqual(['ETH', 'XRP']);
    expect(await tokens({ reason: 'malformed' })).toEqual(['ETH']);
    expect(await tokens({ granularities: ['1d'] })).toEqual([]);
    expect(await tokens({ metrics: [mentions] })).toEqual(['BTC', 'ETH', 'XRP']);
    expect(await dismissEntries(database, { reason: 'malformed' }, start + 9 * hour)).toBe(1);
    expect(await tokens({})).toEqual(['BTC', 'XRP']);
    expect(await tokens({ resolved: true })).toEqual(['BTC', 'ETH', 'XRP']);
    expect(await countQuarantine(database, {})).toEqual([{ reason: 'no finite number', entries: 2 }]);
  });

  it('counts the same thing that comes again, and keeps when it first came', async () => {
    for (const number of [3, 4, 5]) await store([reject()], start + number * hour);
    expect(await entries()).toMatchObject([
      {
        times_seen: 3,
        first_seen_at: new Date(start + 3 * hour),
        last_seen_at: new Date(start + 5 * hour),
      },
    ]);
  });

  it('counts the same thing again, too, where neither token nor window nor metric is known', async () => {
    const unknown = reject({ token: undefined, time: undefined, metric: undefined, reason: 'malformed' });
    await store([unknown]);
    await store([unknown]);
    expect(await entries()).toMatchObject([{ token: null, time: null, metric: null, times_seen: 2 }]);
  });

  it('holds one entry for the same thing twice in one answer', async () => {
    await store([reject(), reject()]);
    expect(await entries()).toHaveLength(1);
  });

  it('tells things apart by token, window, metric, reason and raw form', async () => {
    await store([
      reject(),
      reject({ token: 'ETH' }),
      reject({ time: start + hour }),
      reject({ metric: 'CO-X' }),
      reject({ reason: 'malformed' }),
      reject({ raw: { endpoint: mentions, value: 'Infinity' } }),
    ]);
    expect(await entries()).toHaveLength(6);
  });

  it.each<[string, Partial<Reject>]>([
    ['a NUL in the raw form', { raw: { value: 'a\0b' } }],
    ['a NUL in token and metric', { token: 'B\0TC', metric: '\0' }],
    ['half a surrogate pair in the raw form', { raw: ['\ud800', 'x\udfff'] }],
    ['half a surrogate pair in token and metric', { token: '\ud83d', metric: 'x\ude00' }],
    ['a raw form of two megabytes', { raw: 'x'.repeat(2 * 1024 * 1024) }],
    [
      'a raw form whose cut falls into a character',
      { raw: `${'x'.repeat(999_998)}${'\u{1f680}'.repeat(10)}` },
    ],
    ['a token of a megabyte', { token: 'T'.repeat(1024 * 1024), metric: 'M'.repeat(1024 * 1024) }],
    ['a raw form that is nothing', { raw: undefined }],
    ['a raw form that is null', { raw: null }],
    ['quotes, braces and commas, as arrays are written with', { token: '{"a",\\', metric: "'NULL" }],
  ])('takes %s, and everything else in the answer is stored', async (_, changes) => {
    await store([reject(changes), reject({ token: 'ETH' })]);
    expect(await entries()).toHaveLength(2);
    expect(await storedRows(database)).toHaveLength(1);
    await store([reject(changes)]);
    const [first] = await entries();
    const again = (await entries()).filter(({ times_seen }) => times_seen === 2);
    expect(again).toHaveLength(1);
    expect(first?.raw.length).toBeLessThanOrEqual(1_000_000);
    expect(first?.token?.length ?? 0).toBeLessThanOrEqual(200);
  });
});
