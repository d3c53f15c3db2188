import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asToken, metricCodes } from '../../../src/catalog/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { readGaps } from '../../../src/store/ledger/coverage.ts';
import { nextAskAt, readSuspects } from '../../../src/store/ledger/suspects.ts';
import { day, hour, minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';
import { type AnswerParts, answer, clear, mentions, row, start } from '../answers/answering.ts';

describe('when suspects are asked for again', () => {
  it('grows from ten minutes to a day after the first answer, and never lies behind that', () => {
    const asked: number[] = [];
    for (let at = 0; at < day; at = nextAskAt(0, at)) asked.push(at / minute);
    expect(asked).toEqual([0, 10, 50, 250, 1250]);
    expect(nextAskAt(0, 23 * hour)).toBe(day);
  });
});

describeOnServers('suspects', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    await clear(database);
    await database.pool.query('truncate cryptoracle.suspects');
  });

  const store = (parts: AnswerParts & { isDoubted?: boolean }) =>
    storeAnswer(database, { ...answer(parts), isDoubted: parts.isDoubted ?? true });
  const stored = () =>
    rows(
      database,
      `select token, times, lower(windows) as "from", upper(windows) as "to", count(*)::int as metrics
       from cryptoracle.suspects group by 1, 2, 3, 4 order by 3, 2, 1`,
    );
  const window = (hours: number) => new Date(start + hours * hour);
  const now = start + 100 * hour;

  it('count each time that nothing came, for the windows that were asked for', async () => {
    await store({ to: start + 4 * hour, receivedAt: now });
    await store({ from: start + hour, to: start + 2 * hour, receivedAt: now + 20 * minute });
    expect(await stored()).toEqual([
      { token: 'BTC', times: 1, from: window(0), to: window(4), metrics: metricCodes.length },
      { token: 'BTC', times: 2, from: window(1), to: window(2), metrics: metricCodes.length },
    ]);
    expect(await readSuspects(database)).toEqual([
      { granularity: '1h', tokens: 1, cells: 4 * metricCodes.length, since: now, askAt: now + 10 * minute },
    ]);
  });

  it('are told as far as they are wanted: nobody asks for the others again', async () => {
    await store({ to: start + 4 * hour, receivedAt: now });
    const cells = async (tokens: string[], from: number, to: number) =>
      (
        await readSuspects(database, {
          tokens: tokens.map(asToken),
          windows: new Map([['1h', { start: start + from * hour, end: start + to * hour }]]),
        })
      ).map((each) => each.cells);
    expect(await cells(['BTC', 'ETH'], 0, 24)).toEqual([4 * metricCodes.length]);
    expect(await cells(['BTC'], 3, 24)).toEqual([metricCodes.length]);
    expect(await cells(['ETH'], 0, 24)).toEqual([]);
    expect(await cells(['BTC'], 4, 24)).toEqual([]);
    expect(await readSuspects(database, { tokens: [asToken('BTC')], windows: new Map() })).toEqual([]);
  });

  it('hold nothing that was answered before, and lose what is answered later', async () => {
    await store({ rows: [row('BTC', start, { [mentions]: 1 })], isDoubted: false });
    await store({ to: start + 4 * hour, receivedAt: now });
    expect(await stored()).toMatchObject([{ from: window(2), to: window(4) }]);
    await store({
      from: start + 2 * hour,
      to: start + 3 * hour,
      rows: [row('BTC', start + 2 * hour, { [mentions]: 1 })],
      isDoubted: false,
      receivedAt: now,
    });
    expect(await stored()).toMatchObject([{ from: window(3), to: window(4) }]);
    const cells = { granularity: '1h', tokens: [asToken('BTC')], metrics: metricCodes } as const;
    const interval = { start, end: start + 4 * hour };
    expect(await readGaps(database, { ...cells, interval })).toMatchObject([
      { interval: { start: start + 3 * hour, end: start + 4 * hour } },
    ]);
    expect(await readGaps(database, { ...cells, interval }, { now })).toEqual([]);
    expect(await readGaps(database, { ...cells, interval }, { now: now + 10 * minute })).toHaveLength(1);
    expect(await readGaps(database, { ...cells, interval }, { askedSince: now })).toEqual([]);
    expect(await readGaps(database, { ...cells, interval }, { askedSince: now + 1 })).toHaveLength(1);
  });

  it('become answers after a day, each window by its own age', async () => {
    await store({ to: start + 2 * hour, receivedAt: now });
    await store({ from: start + 2 * hour, to: start + 4 * hour, receivedAt: now + 2 * hour });
    await store({ to: start + 4 * hour, receivedAt: now + day });
    expect(await stored()).toMatchObject([{ times: 2, from: window(2), to: window(4) }]);
    await store({ to: start + 4 * hour, receivedAt: now + day + 2 * hour });
    expect(await stored()).toEqual([]);
    const cells = { granularity: '1h', tokens: [asToken('BTC')], metrics: metricCodes } as const;
    expect(await readGaps(database, { ...cells, interval: { start, end: start + 4 * hour } })).toEqual([]);
  });
});
