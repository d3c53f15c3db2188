import { beforeAll, beforeEach, expect, it } from 'vitest';
import {
  asToken,
  type Granularity,
  metricCodes,
  tagCodes,
  windowLength,
} from '../../../src/catalog/index.ts';
import { dismissEntries } from '../../../src/store/answers/quarantine.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { isReprobeDue, readUnavailable } from '../../../src/store/ledger/availability.ts';
import { readScope } from '../../../src/store/ledger/scope.ts';
import { readStatus } from '../../../src/store/reports/status.ts';
import { v1Metrics } from '../../support/catalogue.ts';
import { day, hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';
import { type AnswerParts, answer, clear, consensus, mentions, row, start } from '../answers/answering.ts';

const tokens = ['BTC', 'ETH', 'XRP'].map(asToken);

describeOnServers('what the ledger says about tokens without windows of a granularity', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => clear(database));

  const store = (parts: AnswerParts) => storeAnswer(database, answer(parts));
  /** So many windows from {@link start} that are answered without a value. */
  const storeNothing = (token: string, windows: number, parts: AnswerParts = {}) =>
    store({
      tokens: [token],
      to: start + windows * windowLength[parts.granularity ?? '1h'],
      ...parts,
    });
  const storeValue = (token: string, granularity: Granularity = '1h') =>
    store({ tokens: [token], granularity, rows: [row(token, start, { [mentions]: 1 })] });
  const unavailable = async (granularity: Granularity = '1h', metrics = metricCodes) =>
    Object.fromEntries(await readUnavailable(database, granularity, tokens, metrics));

  it('takes twenty answered windows without a value, while another token has one', async () => {
    await storeValue('BTC');
    await storeNothing('ETH', 19);
    expect(await unavailable()).toEqual({});
    await storeNothing('ETH', 20);
    expect(await unavailable()).toEqual({ ETH: start + 20 * hour });
    expect(await unavailable('15m')).toEqual({});
  });

  it('counts windows wherever they lie, and names the end of the newest', async () => {
    await storeValue('BTC');
    await storeNothing('ETH', 10);
    await storeNothing('ETH', 0, { from: start + 100 * hour, to: start + 110 * hour });
    expect(await unavailable()).toEqual({ ETH: start + 110 * hour });
  });

  it('is over with the first value, whatever metric and time it has', async () => {
    await storeValue('BTC');
    await storeNothing('ETH', 50);
    await store({
      tokens: ['ETH'],
      from: start - 900 * day,
      rows: [row('ETH', start - 900 * day, { [consensus]: 0 })],
    });
    expect(await unavailable()).toEqual({});
  });

  it('does not follow from an API that gives nothing to anybody', async () => {
    for (const token of tokens) await storeNothing(token, 200);
    await storeValue('BTC', '4h');
    expect(await unavailable()).toEqual({});
  });

  it('does not follow from windows of other metrics, of tags or of another granularity', async () => {
    await storeValue('BTC');
    await storeNothing('ETH', 200, { metrics: [consensus] });
    await storeNothing('ETH', 200, { granularity: '15m' });
    await storeNothing('XRP', 200, { metrics: [], tags: tagCodes });
    expect(await unavailable('1h', [mentions])).toEqual({});
    // One metric that a token never has says nothing about the others.
    expect(await unavailable('1h')).toEqual({});
    expect(await unavailable('1h', [consensus])).toEqual({ ETH: start + 200 * hour });
  });

  it('leaves out of account what the subscription refuses, which nobody is answered about', async () => {
    await storeValue('BTC');
    const allowed = metricCodes.filter((code) => code !== consensus);
    await storeNothing('ETH', 20, { metrics: allowed });
    expect(await unavailable()).toEqual({});
    await database.pool.query(
      'insert into cryptoracle.entitlements (metric, refused_since, last_refused_at) values ($1, now(), now())',
      [consensus],
    );
    expect(await unavailable()).toEqual({ ETH: start + 20 * hour });
    await database.pool.query('delete from cryptoracle.entitlements');
  });

  it('does not follow where something that was sent could not be stored, until a person has dismissed it', async () => {
    await storeValue('BTC');
    await storeNothing('ETH', 30, {
      rejects: [
        {
          reason: 'no finite number',
          part: 'value',
          raw: 'x',
          token: 'ETH',
          time: start,
          metric: mentions,
        },
      ],
    });
    expect(await unavailable()).toEqual({});
    await dismissEntries(database, {}, start);
    expect(await unavailable()).toEqual({ ETH: start + 30 * hour });
  });

  it('leaves such a token out of the scope of that granularity and of the status, unless it is asked for by name', async () => {
    await storeValue('BTC');
    await storeNothing('ETH', 30);
    const chosen = { tokens, metrics: metricCodes, tags: [] };
    const scope = await readScope(database, chosen, start + 30 * hour);
    expect(scope.tokens).toEqual(tokens);
    expect(scope.tokensOf('1h')).toEqual(['BTC', 'XRP']);
    expect(scope.tokensOf('4h')).toEqual(tokens);
    const wanted = new Map([['1h', { start, end: start + 40 * hour }] as const]);
    const { granularities } = await readStatus(database, scope, wanted, start + 40 * hour);
    expect(granularities).toMatchObject([
      { wanted: 2 * v1Metrics.length * 40, answered: v1Metrics.length * 2 },
    ]);

    const named = await readScope(database, { ...chosen, evenUnavailable: true }, start + 30 * hour);
    expect(named.tokensOf('1h')).toEqual(tokens);
    expect(named.tokensToReprobe('1h', start + 900 * day)).toEqual([]);
  });

  it('has a token looked at again more than a week after its newest answer', async () => {
    await storeValue('BTC');
    await storeNothing('ETH', 30);
    const scope = await readScope(database, { tokens, metrics: metricCodes, tags: [] }, start);
    const until = start + 30 * hour;
    expect(scope.tokensToReprobe('1h', until + 7 * day)).toEqual([]);
    expect(scope.tokensToReprobe('1h', until + 7 * day + hour)).toEqual(['ETH']);
    expect(scope.tokensToReprobe('4h', until + 100 * day)).toEqual([]);
    // An order for windows of long ago is none for a look at the newest ones.
    expect(isReprobeDue(until, until - 100 * day)).toBe(false);
  });
});
