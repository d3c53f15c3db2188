import { beforeAll, beforeEach, expect, it } from 'vitest';
import { asToken, metricCodes, tagCodes } from '../../../src/catalog/index.ts';
import type { WantedWindows } from '../../../src/planning/plan.ts';
import { logRequest } from '../../../src/store/answers/requests.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { storeRefused } from '../../../src/store/ledger/entitlements.ts';
import { readStatus } from '../../../src/store/reports/status.ts';
import { day, hour, minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';
import { answer, clear, mentions, row, start } from '../answers/answering.ts';

const tokens = ['BTC', 'ETH', 'XRP'].map(asToken);
const scope = {
  tokens,
  metrics: metricCodes.slice(0, 5),
  unserved: [],
  tags: tagCodes,
  tokensOf: () => tokens,
  tokensToReprobe: () => [],
  lacking: () => [],
};

describeOnServers('the status', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => clear(database));
  const at = (wanted: WantedWindows, now: number) => readStatus(database, scope, wanted, now);
  const call = { what: 'values', lane: 'live', code: 200, milliseconds: 0 } as const;

  it('of an empty database has nothing of everything', async () => {
    const wanted: WantedWindows = new Map([
      ['1h', { start, end: start + 10 * hour }],
      ['1d', { start, end: start }],
    ]);
    const status = await at(wanted, start + 10 * hour);
    expect(status).toEqual({
      granularities: [
        {
          granularity: '1h',
          newestDue: start + 9 * hour,
          newestStored: undefined,
          windowsBehind: undefined,
          wanted: 10 * 3 * 5,
          answered: 0,
          dropped: 0,
        },
        {
          granularity: '1d',
          newestDue: undefined,
          newestStored: undefined,
          windowsBehind: undefined,
          wanted: 0,
          answered: 0,
          dropped: 0,
        },
      ],
      notes: ['requests', 'revisions', 'quarantine', 'quality_notes', 'events'].map((table) => ({
        ...{ table, rows: 0, rowsPerYear: undefined, bytesPerYear: undefined },
        bytes: expect.any(Number),
      })),
      tokens: 3,
      refused: [],
      quarantined: 0,
      qualityNotes: 0,
      suspendedRules: [],
      suspects: [],
      doubtedList: undefined,
      dropped: { windowsBeside: 0, rejects: 0 },
      revisions: 0,
      calls: {},
      lastCall: undefined,
      notInApiVersion: [],
      databaseBytes: expect.any(Number),
      timescale: kind === 'TimescaleDB',
      accessRefused: undefined,
      dayStart: { value: '08:00', found: 'assumed', detail: undefined, since: undefined },
    });
    expect(status.databaseBytes).toBeGreaterThan(1_000_000);
  });

  it('counts answered cells only within what is wanted', async () => {
    // Two windows before the range, three within; of ten metrics five are wanted; of two tokens one is.
    await storeAnswer(
      database,
      answer({
        tokens: ['BTC', 'OTHER'],
        metrics: metricCodes.slice(0, 10),
        from: start - 2 * hour,
        to: start + 3 * hour,
        rows: [row('BTC', start + 2 * hour, { [mentions]: 1 })],
      }),
    );
    // One metric of another token, in a window at the range's end and one past it.
    await storeAnswer(
      database,
      answer({ tokens: ['ETH'], metrics: [mentions], from: start + 9 * hour, to: start + 11 * hour }),
    );
    // Another granularity.
    await storeAnswer(database, answer({ granularity: '4h', from: start, to: start + 8 * hour }));
    const wanted: WantedWindows = new Map([
      ['15m', { start, end: start + hour }],
      ['1h', { start, end: start + 10 * hour }],
    ]);
    const { granularities } = await at(wanted, start + 11 * hour);
    expect(granularities).toEqual([
      {
        granularity: '15m',
        newestDue: start + 45 * minute,
        newestStored: undefined,
        windowsBehind: undefined,
        wanted: 4 * 3 * 5,
        answered: 0,
        dropped: 0,
      },
      {
        granularity: '1h',
        newestDue: start + 9 * hour,
        newestStored: start + 2 * hour,
        windowsBehind: 7,
        wanted: 10 * 3 * 5,
        answered: 3 * 5 + 1,
        dropped: 0,
      },
    ]);
  });

  it('is full where everything wanted was answered, and not behind', async () => {
    const to = start + 2 * day;
    await storeAnswer(
      database,
      answer({
        granularity: '1d',
        tokens: ['BTC', 'ETH', 'XRP', 'ADA'],
        to,
        rows: [row('XRP', start + day, { [mentions]: 0 })],
      }),
    );
    const { granularities } = await at(new Map([['1d', { start, end: to }]]), to + hour);
    expect(granularities).toMatchObject([
      { wanted: 30, answered: 30, windowsBehind: 0, newestStored: start + day },
    ]);
  });

  it('is never ahead, whatever newer windows are stored', async () => {
    await storeAnswer(database, answer({ rows: [row('BTC', start + hour, { [mentions]: 1 })] }));
    const { granularities } = await at(new Map([['1h', { start, end: start + hour }]]), start + 3 * hour);
    expect(granularities).toMatchObject([{ newestStored: start + hour, windowsBehind: 0 }]);
  });

  it('counts revisions, quarantined things and refused codes', async () => {
    for (const number of [1, 2, 3])
      await storeAnswer(
        database,
        answer({
          rows: [row('BTC', start, { [mentions]: number })],
          rejects: [
            {
              reason: 'malformed',
              part: 'window',
              token: 'BTC',
              time: start,
              metric: undefined,
              raw: number,
            },
            {
              reason: 'malformed',
              part: 'window',
              token: 'BTC',
              time: start,
              metric: undefined,
              raw: 'same',
            },
          ],
        }),
      );
    await storeRefused(database, 'CO-A-02-05', start);
    await storeRefused(database, 'CO-A-01-05', start);
    const status = await at(new Map(), start);
    expect(status).toMatchObject({
      granularities: [],
      revisions: 2,
      quarantined: 4,
      refused: ['CO-A-01-05', 'CO-A-02-05'],
    });
  });

  it('counts the calls of the last 24 hours by outcome, and tells the newest', async () => {
    const now = start + 10 * day;
    const ages = [
      ['answered', 25 * hour],
      ['transient', 24 * hour + minute],
      ['answered', 24 * hour - minute],
      ['answered', hour],
      ['throttled', 2 * minute],
      ['transient', minute],
    ] as const;
    for (const [outcome, age] of ages) {
      const message = outcome === 'transient' ? `failed ${age / minute} minutes ago` : undefined;
      await logRequest(database, { ...call, outcome, message, at: now - age });
    }
    const status = await at(new Map(), now);
    expect(status.calls).toEqual({ answered: 2, throttled: 1, transient: 1 });
    expect(status.lastCall).toEqual({
      at: now - minute,
      outcome: 'transient',
      message: 'failed 1 minutes ago',
    });
  });
});
