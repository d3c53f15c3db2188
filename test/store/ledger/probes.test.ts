import { beforeAll, beforeEach, expect, it } from 'vitest';
import { asToken, metricCodes, windowLength } from '../../../src/catalog/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { readUnavailable } from '../../../src/store/ledger/availability.ts';
import { probeReader } from '../../../src/store/ledger/probes.ts';
import { readReportedGaps } from '../../../src/store/reports/gaps.ts';
import { day, hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';
import { type AnswerParts, answer, clear, mentions, row } from '../answers/answering.ts';

const [BTC, ETH] = [asToken('BTC'), asToken('ETH')];
/** Thirty days are counted from the epoch; this is one of their starts. */
const origin = Math.floor(Date.UTC(2025, 3, 1) / (30 * day)) * 30 * day;
const range = { start: origin + 10 * day, end: origin + 100 * day };

describeOnServers('probes of a token that seems to lack a granularity', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    await clear(database);
    await store({
      tokens: ['BTC'],
      from: range.end - hour,
      to: range.end,
      rows: [row('BTC', range.end - hour, { [mentions]: 1 })],
    });
    // Twenty empty windows at the newest end.
    await store({ tokens: ['ETH'], from: range.end - 20 * hour, to: range.end });
  });

  const store = (parts: AnswerParts) => storeAnswer(database, answer(parts));
  const probes = async () => {
    const read = probeReader(
      database,
      { metrics: metricCodes, lacking: () => [ETH] },
      new Map([['1h', range] as const]),
    );
    return (await read('1h', range)).map(({ tokens, interval }) => ({
      tokens,
      from: (interval.start - origin) / day,
      windows: (interval.end - interval.start) / windowLength['1h'],
    }));
  };
  const reasons = async () => {
    const wanted = { granularity: '1h', tokens: [ETH], metrics: metricCodes, interval: range } as const;
    const gaps = await readReportedGaps(database, wanted, ['not asked yet', 'not available'], range.end);
    return [...new Set(gaps.map(({ reason }) => reason))];
  };

  it('are the oldest windows of each thirty days in which too few were answered, the ends of the range among them', async () => {
    expect(await probes()).toEqual([
      { tokens: [ETH], from: 60, windows: 20 },
      { tokens: [ETH], from: 30, windows: 20 },
      { tokens: [ETH], from: 10, windows: 20 },
    ]);
    await store({ tokens: ['ETH'], from: origin + 40 * day, to: origin + 41 * day });
    expect((await probes()).map(({ from }) => from)).toEqual([60, 10]);
  });

  it('leave its months open until all were probed: empty newest windows say nothing about them', async () => {
    expect([...(await readUnavailable(database, '1h', [BTC, ETH], metricCodes)).keys()]).toEqual([ETH]);
    expect((await readUnavailable(database, '1h', [BTC, ETH], metricCodes, range)).size).toBe(0);
    expect(await reasons()).toEqual(['not asked yet']);
    for (const { from, windows } of await probes()) {
      await store({ tokens: ['ETH'], from: origin + from * day, to: origin + from * day + windows * hour });
    }
    expect(await probes()).toEqual([]);
    expect(await reasons()).toEqual(['not available']);
    expect((await readUnavailable(database, '1h', [BTC, ETH], metricCodes, range)).size).toBe(1);
  });

  it('are over with the first value, which makes it a token like any other', async () => {
    const from = origin + 30 * day;
    await store({ tokens: ['ETH'], from, to: from + 20 * hour, rows: [row('ETH', from, { [mentions]: 3 })] });
    expect((await readUnavailable(database, '1h', [BTC, ETH], metricCodes)).size).toBe(0);
    expect(await reasons()).toEqual(['not asked yet']);
  });
});
