import { beforeAll, expect, it } from 'vitest';
import { asToken, type MetricCode } from '../../../src/catalog/index.ts';
import { logRequest } from '../../../src/store/answers/requests.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { noteEvent } from '../../../src/store/ledger/events.ts';
import { readScorecard, type Scorecard, timeWithin } from '../../../src/store/reports/scorecard.ts';
import { day, hour, minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';
import { answer, row } from '../answers/answering.ts';

const start = Date.UTC(2025, 4, 31, 16);
const metrics: MetricCode[] = ['CO-A-01-05', 'CO-A-02-03'];
const settleDelay = 15 * minute;
const windows = 30;
const range = { start, end: start + windows * hour };

/** The number below which a part of the others lie, between two of them where it falls so. */
function percentile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const place = part * (sorted.length - 1);
  const [below = 0, above = 0] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

describeOnServers('a scorecard', (kind) => {
  let database: Database;
  let card: Scorecard;
  /** Seconds from due to stored. */
  const delayOf = (window: number) => ((window * 37) % 101) / 2;

  async function storeWindow(window: number, mentions: number | null, at: number): Promise<void> {
    const time = start + window * hour;
    await storeAnswer(
      database,
      answer({
        ...{ tokens: ['BTC'], metrics, from: time, to: time + hour, receivedAt: at, log: undefined },
        rows: [row('BTC', time, { 'CO-A-01-05': mentions, 'CO-A-02-03': 0.1 })],
      }),
    );
  }

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    for (let window = 0; window < windows; window++) {
      const due = start + (window + 1) * hour + settleDelay;
      // Every fifth window has no mentions at first.
      await storeWindow(window, window % 5 === 0 ? null : window, due + delayOf(window) * 1000);
    }
    // One of these comes later, two values change, one of them twice.
    await storeWindow(5, 55, range.end + hour);
    await storeWindow(6, 66, range.end + hour);
    await storeWindow(6, 67, range.end + 2 * hour);
    await storeWindow(7, 77, range.end + hour);
    // What was loaded as history says nothing of delays.
    const old = start + 2 * hour;
    await storeAnswer(
      database,
      answer({
        ...{
          tokens: ['ETH'],
          metrics,
          from: old,
          to: old + hour,
          receivedAt: range.end,
          observedFrom: range.end,
        },
        ...{ rows: [row('ETH', old, { 'CO-A-01-05': 1 })], log: undefined },
      }),
    );
    for (const [at, outcome, milliseconds] of [
      [0, 'answered', 100],
      [0.2, 'transient', 5000],
      [2, 'transient', 1000],
      [2.5, 'access-denied', 10],
      [4, 'answered', 300],
      [5, 'bad-request', 20],
      [60 * 24 * 40, 'transient', 1],
    ] as const) {
      const sentAt = start + at * minute;
      const call = { what: 'values', lane: 'live', outcome, code: undefined, milliseconds } as const;
      await logRequest(database, { ...call, at: sentAt + milliseconds });
    }
    const outage = { kind: 'api outage', message: 'no answer' } as const;
    await noteEvent(database, { ...outage, at: start - hour, until: start + hour });
    await noteEvent(database, { ...outage, at: start - day, until: start - 20 * hour });
    await noteEvent(database, { ...outage, at: range.end - 2 * hour, isOpen: true });
    const scope = { tokens: ['BTC', 'ETH'].map(asToken), metrics, apiVersion: 'v1', settleDelay } as const;
    card = await readScorecard(database, scope, range, new Map([['1h', range]]), range.end + day);
  });

  it('tells how long values took from when they were due', () => {
    const delays = Array.from({ length: windows }, (_, window) => delayOf(window));
    const [score] = card.granularities;
    expect(score?.observed).toBe(windows);
    expect(score?.delay?.median).toBeCloseTo(percentile(delays, 0.5), 6);
    expect(score?.delay?.p90).toBeCloseTo(percentile(delays, 0.9), 6);
    expect(score?.delay?.p99).toBeCloseTo(percentile(delays, 0.99), 6);
    expect(score?.delay?.longest).toBeCloseTo(Math.max(...delays), 6);
  });

  it('counts what came, was empty, changed, or came late', () => {
    // Of six windows without mentions one was filled later. Of BTC all have a sentiment; ETH has one value.
    expect(card.granularities[0]).toMatchObject({
      values: windows + (windows - 5) + 1,
      // And the sentiment that ETH lacks in its only window.
      empty: 5 + 1,
      revised: 2,
      late: 1,
      quarantined: 0,
    });
  });

  it('counts calls, and the minutes in which some failed', () => {
    const { answerTime, ...calls } = card.calls;
    expect(calls).toEqual({
      ...{ sent: 6, answered: 2, minutes: 4 },
      byOutcome: { answered: 2, transient: 2, 'access-denied': 1, 'bad-request': 1 },
      // The first minute had an answer, too; a wrong request is ours.
      ...{ minutesOfErrors: 2, minutesWithoutAnswer: 1 },
    });
    expect(answerTime?.median).toBeCloseTo(0.2, 6);
    expect(answerTime?.longest).toBeCloseTo(0.3, 6);
  });

  it('lists outages as far as they lie in the month', () => {
    const now = range.end + day;
    expect(card.outages.map((event) => timeWithin(event, range, now))).toEqual([hour, 2 * hour]);
  });
});
