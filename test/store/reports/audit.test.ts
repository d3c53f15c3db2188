import { beforeAll, describe, expect, it } from 'vitest';
import type { MetricCode } from '../../../src/catalog/index.ts';
import type { Lane } from '../../../src/planning/lanes.ts';
import { wilson } from '../../../src/planning/proportion.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { type AgeClass, impliedBy, readDrift } from '../../../src/store/reports/audit.ts';
import { day, hour, minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';
import { answer, row } from '../answers/answering.ts';

const start = Date.UTC(2025, 4, 31, 16);
const metrics: MetricCode[] = ['CO-A-01-05', 'CO-A-02-03'];
const settleDelay = 15 * minute;

describeOnServers('the drift of values', (kind) => {
  let database: Database;

  /** An answer about two windows, as a call of the lane brings it so long after the second was due. */
  async function ask(
    lane: Lane,
    windows: number,
    after: number,
    values: Record<string, readonly (number | null)[]>,
  ) {
    const to = start + windows * hour;
    const receivedAt = to + settleDelay + after;
    const tokens = Object.keys(values);
    const all = Object.values(values).flat();
    await storeAnswer(
      database,
      answer({
        ...{ tokens, metrics, from: start, to, receivedAt, observedFrom: 0 },
        rows: tokens.flatMap((token) =>
          (values[token] ?? []).map((mentions, window) =>
            row(token, start + window * hour, { 'CO-A-01-05': mentions, 'CO-A-02-03': 0.5 }),
          ),
        ),
        log: {
          ...{ what: 'values', lane, granularity: '1h', interval: { start, end: to }, tokens, metrics },
          ...{ outcome: 'answered', code: 200, milliseconds: 200, at: receivedAt },
          records: all.length + all.filter((value) => value !== null).length,
        },
      }),
    );
  }

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    await ask('live', 2, minute, { BTC: [1, 2], ETH: [3, null] });
    // An hour later one of the values has changed, and one has come.
    await ask('lookback', 2, hour + minute, { BTC: [1, 22], ETH: [3, 4] });
    await ask('lookback', 2, 2 * hour + minute, { BTC: [1, 22], ETH: [3, 4] });
    // Ten days later the audit finds that two have changed, one of them asked for by itself.
    await ask('audit', 2, 10 * day, { BTC: [11, 22] });
    await ask('audit', 1, 12 * day, { ETH: [33] });
    // Neither a repair nor a call from before counts.
    await ask('history', 2, 20 * day, { BTC: [111, 222] });
  });

  it('is counted by age, from the look-back and the audit', async () => {
    const classes = await readDrift(database, '1h', settleDelay, start);
    const counts = classes.map(({ windowsLater, from, to, compared, changed, late }) => ({
      ...{ windowsLater, from: from / hour, to: to / hour, compared, changed, late },
    }));
    expect(counts).toEqual([
      // The second window, an hour after it was due; the first one is an hour older.
      { windowsLater: 1, from: 1, to: 2, compared: 4, changed: 1, late: 1 },
      { windowsLater: 2, from: 2, to: 3, compared: 8, changed: 0, late: 0 },
      { windowsLater: 3, from: 3, to: 4, compared: 4, changed: 0, late: 0 },
      { windowsLater: undefined, from: 7 * 24, to: 30 * 24, compared: 6, changed: 2, late: 0 },
    ]);
    for (const { compared, changed, rate, low, high } of classes) {
      expect({ rate, low, high }).toEqual(wilson(changed, compared));
    }
  });

  it('leaves out calls from before an instant, and other granularities', async () => {
    const recent = await readDrift(database, '1h', settleDelay, start + 11 * day);
    expect(recent.map(({ compared, changed }) => [compared, changed])).toEqual([[2, 1]]);
    expect(await readDrift(database, '4h', settleDelay, start)).toEqual([]);
  });
});

describe('the settings that drift implies', () => {
  const classes = (
    ...counts: [windowsLater: number | [number, number], changed: number, compared: number][]
  ) =>
    counts.map(([age, changed, compared]): AgeClass => {
      const [from, to] =
        typeof age === 'number' ? [age * hour, (age + 1) * hour] : [age[0] * day, age[1] * day];
      return {
        ...{ granularity: '1h', windowsLater: typeof age === 'number' ? age : undefined, from, to },
        ...{ compared, changed, late: 0, ...wilson(changed, compared) },
      };
    });
  const imply = (...counts: Parameters<typeof classes>) => impliedBy(classes(...counts), settleDelay, 0.001);

  it('are nothing where nothing was compared', () => {
    expect(imply()).toEqual({ lookbackWindows: undefined, settleDelay: undefined, isSure: false });
  });

  it('are the shortest where values never change', () => {
    expect(imply([1, 0, 100_000], [2, 0, 100_000])).toEqual({
      lookbackWindows: 1,
      settleDelay,
      isSure: true,
    });
  });

  it('reach as far as values change for sure', () => {
    // What had changed two windows later is found by a look-back of three, and was final at a delay of two more hours.
    expect(imply([1, 900, 100_000], [2, 500, 100_000], [3, 1, 100_000], [[1, 7], 0, 100_000])).toEqual({
      ...{ lookbackWindows: 3, settleDelay: settleDelay + 2 * hour, isSure: true },
    });
    expect(imply([1, 0, 100_000], [[1, 7], 900, 100_000], [[7, 30], 0, 100_000])).toMatchObject({
      lookbackWindows: 7 * 24,
      isSure: true,
    });
  });

  it('are not sure where too little was compared', () => {
    expect(imply([1, 900, 100_000], [2, 0, 50])).toMatchObject({ lookbackWindows: 2, isSure: false });
    expect(imply([1, 900, 100_000])).toMatchObject({ lookbackWindows: 2, isSure: false });
  });
});
