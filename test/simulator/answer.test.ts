import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { tagCodes } from '../../src/catalog/index.ts';
import { defaultBehaviour, Market, type Simulator, startSimulator } from '../../src/simulator/index.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { ask, askList, beijing, business, StoppedClock, valuesOf } from './ask.ts';

const minute = 60_000;
const clock = new StoppedClock(0);
const market = new Market();
const simulator: Simulator = await startSimulator({ clock, market });
const lacking15m = market.tokens.find(({ token }) => !market.hasGranularity(token, '15m'))?.token ?? '';

beforeEach(() => {
  clock.instant = beijing('2025-06-02 00:00:00');
  simulator.configure(defaultBehaviour);
});
afterAll(() => simulator.close());

describe('an answer', () => {
  it('has the shape of the API page, with the market’s values as text', async () => {
    const endpoints = ['CO-A-02-03', 'CO-A-01-05'];
    const list = await askList(simulator, {
      endTime: '2025-06-01 02:00:00',
      token: ['ETH', 'BTC'],
      endpoints,
    });
    const window = (token: string, hour: number) => ({
      startTime: `2025-06-01 0${hour}:00:00`,
      endTime: `2025-06-01 0${hour}:59:59`,
      data: (['CO-A-02-03', 'CO-A-01-05'] as const).map((endpoint) => ({
        endpoint,
        value: String(market.value('1h', token, endpoint, beijing(`2025-06-01 0${hour}:00:00`))),
      })),
    });
    expect(list).toEqual(
      ['ETH', 'BTC'].map((token) => ({
        token,
        startTime: '2025-06-01 00:00:00',
        endTime: '2025-06-01 02:00:00',
        timeType: '1h',
        endPoints: [window(token, 0), window(token, 1)],
        tags: [],
      })),
    );
  });

  it('is the same as the market’s cross-section for all metrics', async () => {
    const list = await askList(simulator, { endpoints: v1Metrics, token: ['SOL'] });
    const series = v1Metrics.map((code) => market.series.ofCode(code));
    const wanted = list[0]?.endPoints.map(({ startTime }) =>
      market.values('1h', 'SOL', series, beijing(startTime)),
    );
    expect(list[0]?.endPoints.map(({ data }) => data.map(({ value }) => Number(value)))).toEqual(wanted);
    expect(valuesOf(list).join(' ')).not.toMatch(/e/);
  });

  it('leaves out windows that have not closed, and leaves values empty that are not published', async () => {
    const close = beijing('2025-06-01 04:00:00');
    const token = market.tokens.find((each) => {
      const published = market.publishedAt('1h', each.token, close - 60 * minute) ?? 0;
      return published > close + 2.5 * minute && published < close + 3 * minute;
    })?.token;
    const changes = { token: [token], endTime: '2025-06-01 08:00:00' };
    const windowsAt = async (now: number) => {
      clock.instant = now;
      return (await askList(simulator, changes))[0]?.endPoints ?? [];
    };
    expect(await windowsAt(close - 1)).toHaveLength(3);
    const early = await windowsAt(close + 2 * minute);
    expect(early).toHaveLength(4);
    expect(early.at(-1)?.data).toEqual([{ endpoint: 'CO-A-01-05', value: '' }]);
    expect(early.at(-2)?.data[0]?.value).not.toBe('');
    expect((await windowsAt(close + 3 * minute)).at(-1)?.data[0]?.value).not.toBe('');
  });

  it('gives the windows whose start is in a range off the grid', async () => {
    const range = { startTime: '2025-06-01 00:30:00', endTime: '2025-06-01 02:00:01' };
    const starts = (await askList(simulator, range))[0]?.endPoints.map(({ startTime }) => startTime);
    expect(starts).toEqual(['2025-06-01 01:00:00', '2025-06-01 02:00:00']);
  });

  it('includes the window at endTime where the range is inclusive', async () => {
    const range = { startTime: '2025-06-01 01:00:00', endTime: '2025-06-01 02:00:00' };
    expect((await askList(simulator, range))[0]?.endPoints).toHaveLength(1);
    simulator.configure({ rangeEnd: 'inclusive' });
    expect((await askList(simulator, range))[0]?.endPoints).toHaveLength(2);
    const point = { startTime: '2025-06-01 01:00:00', endTime: '2025-06-01 01:00:00' };
    expect((await askList(simulator, point))[0]?.endPoints).toHaveLength(1);
  });

  it('has no windows of a token that lacks the granularity, nor before the history', async () => {
    const list = await askList(simulator, { token: ['BTC', lacking15m], timeType: '15m' });
    expect(list.map(({ endPoints }) => endPoints.length)).toEqual([16, 0]);
    const range = { startTime: '2024-12-31 22:00:00', endTime: '2025-01-01 02:00:00' };
    expect((await askList(simulator, range))[0]?.endPoints).toHaveLength(2);
  });

  it('has no rows where nothing is published: the tokens, or 203', async () => {
    const asked = business({ token: [lacking15m], timeType: '15m' });
    const future = business({ startTime: '2025-06-03 00:00:00', endTime: '2025-06-04 00:00:00' });
    for (const parameters of [asked, future]) {
      const answered = await ask(simulator, parameters);
      expect(answered).toMatchObject({ code: 200, payload: [{ endPoints: [], tags: [] }] });
    }
    clock.instant = beijing('2025-06-01 01:01:00');
    expect((await ask(simulator, business())).payload).toMatchObject([{ endPoints: [] }]);
    simulator.configure({ emptyAnswer: '203' });
    for (const parameters of [asked, future, business()]) {
      expect(await ask(simulator, parameters)).toMatchObject({ code: 203, payload: undefined });
    }
  });

  it('leaves out the tokens that have nothing where told so', async () => {
    simulator.configure({ lackingTokens: 'absent' });
    const list = await askList(simulator, { token: [lacking15m, 'BTC'], timeType: '15m' });
    expect(list.map(({ token }) => token)).toEqual(['BTC']);
  });

  it.each(['08:00', '00:00'] as const)('has days that start at %s where told so', async (dayStart) => {
    simulator.configure({ dayStart });
    const range = { startTime: '2025-05-30 00:00:00', endTime: '2025-05-31 23:59:59', timeType: '1d' };
    const windows = (await askList(simulator, range))[0]?.endPoints ?? [];
    expect(windows.map(({ startTime }) => startTime)).toEqual([
      `2025-05-30 ${dayStart}:00`,
      `2025-05-31 ${dayStart}:00`,
    ]);
    const last = dayStart === '08:00' ? '2025-05-31 07:59:59' : '2025-05-30 23:59:59';
    expect(windows[0]?.endTime).toBe(last);
    const hours = { startTime: `2025-05-30 ${dayStart}:00`, endTime: last, timeType: '1h' };
    const sum = valuesOf(await askList(simulator, hours)).reduce(
      (total: number, each) => total + Number(each),
      0,
    );
    expect(windows[0]?.data).toEqual([{ endpoint: 'CO-A-01-05', value: String(sum) }]);
  });

  it('has the window that is open beside those asked for, as often as told', async () => {
    simulator.configure({ runningWindow: 0.5 });
    clock.instant = beijing('2025-06-02 12:34:00');
    let beside = 0;
    for (let call = 0; call < 40; call += 1) {
      const starts = (await askList(simulator))[0]?.endPoints.map(({ startTime }) => startTime) ?? [];
      expect(starts.slice(0, 4)).toHaveLength(4);
      if (starts.length === 5) {
        expect(starts[4]).toBe('2025-06-02 12:00:00');
        beside += 1;
      }
    }
    expect(beside).toBeGreaterThan(8);
    expect(beside).toBeLessThan(32);
  });
});

describe('extraParams', () => {
  const asked = (param?: unknown) =>
    askList(simulator, {
      endpoints: ['CO-A-01-05', 'CO-A-02-01'],
      ...(param === undefined ? {} : { extraParams: [{ endpoint: 'CO-A-01-05', param }] }),
    });
  const mentions = async (param?: unknown) => valuesOf(await asked(param)).filter((_, at) => at % 2 === 0);

  it('change the values of their metric, the same way every time, and of no other', async () => {
    const plain = valuesOf(await asked());
    const first = valuesOf(await asked({ window: 7, by: 'x' }));
    expect(valuesOf(await asked({ by: 'x', window: 7 }))).toEqual(first);
    expect(valuesOf(await asked({ window: 8, by: 'x' }))).not.toEqual(first);
    expect(first.filter((_, at) => at % 2 === 1)).toEqual(plain.filter((_, at) => at % 2 === 1));
    expect(await mentions({ window: 7, by: 'x' })).not.toEqual(await mentions());
    const series = market.series.asked('CO-A-01-05', 'by=x&window=7');
    const truth = [0, 1, 2, 3].map((hour) =>
      String(market.values('1h', 'BTC', [series], beijing(`2025-06-01 0${hour}:00:00`))?.[0]),
    );
    expect(await mentions({ window: 7, by: 'x' })).toEqual(truth);
  });

  it('can be ignored or refused', async () => {
    const plain = await mentions();
    simulator.configure({ extraParams: 'ignored' });
    expect(await mentions({ window: 7 })).toEqual(plain);
    simulator.configure({ extraParams: 'refused' });
    const extraParams = [{ endpoint: 'CO-A-01-05', param: 'x' }];
    expect((await ask(simulator, business({ extraParams }))).code).toBe(201);
  });
});

describe('a code that nobody knows', () => {
  const asked = business({ endpoints: ['CO-Z-09-09', 'CO-A-01-05'] });

  it.each([
    ['201', 201],
    ['205', 205],
  ] as const)('is refused with code %s', async (unknownCodes, code) => {
    simulator.configure({ unknownCodes });
    expect((await ask(simulator, asked)).code).toBe(code);
  });

  it('is left out, or given values', async () => {
    const endpoints = async () => {
      const list = (await ask(simulator, asked)).payload as {
        endPoints: { data: { endpoint: string }[] }[];
      }[];
      return list[0]?.endPoints[0]?.data.map(({ endpoint }) => endpoint);
    };
    simulator.configure({ unknownCodes: 'absent' });
    expect(await endpoints()).toEqual(['CO-A-01-05']);
    simulator.configure({ unknownCodes: 'served' });
    expect(await endpoints()).toEqual(['CO-Z-09-09', 'CO-A-01-05']);
  });
});

describe('the record limit', () => {
  const full = { token: ['BTC', 'ETH', 'SOL'], endpoints: v1Metrics.slice(0, 5) };
  const sizes = async (changes: Record<string, unknown> = full) =>
    (await askList(simulator, changes)).map(({ endPoints }) => endPoints.map(({ data }) => data.length));

  it('is 2,000 values by default, and refuses one more with 201', async () => {
    const asked = {
      token: ['BTC'],
      timeType: '1h',
      startTime: '2025-03-01 00:00:00',
      endTime: '2025-04-11 16:00:00',
      endpoints: ['CO-A-01-05', 'CO-A-01-01'],
    };
    expect(valuesOf(await askList(simulator, asked))).toHaveLength(2_000);
    const more = await ask(simulator, business({ ...asked, endTime: '2025-04-11 17:00:00' }));
    expect(more).toMatchObject({ code: 201, msg: 'more than 2000 records in one request' });
  });

  it('cuts without a word where told so, in the middle of a window too', async () => {
    simulator.configure({ overLimit: 'cut', recordLimit: 60 });
    expect(await sizes()).toEqual([
      [5, 5, 5, 5],
      [5, 5, 5, 5],
      [5, 5, 5, 5],
    ]);
    simulator.configure({ recordLimit: 32 });
    expect(await sizes()).toEqual([
      [5, 5, 5, 5],
      [5, 5, 2],
    ]);
    simulator.configure({ recordLimit: 40 });
    expect(await sizes()).toEqual([
      [5, 5, 5, 5],
      [5, 5, 5, 5],
    ]);
    expect(simulator.log.at(-1)?.records).toBe(40);
  });

  it('counts rows where told so', async () => {
    simulator.configure({ recordUnit: 'row', recordLimit: 12 });
    expect(await sizes()).toEqual([
      [5, 5, 5, 5],
      [5, 5, 5, 5],
      [5, 5, 5, 5],
    ]);
    simulator.configure({ recordLimit: 11 });
    expect((await ask(simulator, business(full))).code).toBe(201);
    simulator.configure({ recordLimit: 7, overLimit: 'cut' });
    expect(await sizes()).toEqual([
      [5, 5, 5, 5],
      [5, 5, 5],
    ]);
  });

  it('counts tag values as records', async () => {
    simulator.configure({ recordLimit: 10 });
    expect((await ask(simulator, business({ tags: tagCodes }))).code).toBe(200);
    simulator.configure({ recordLimit: 9 });
    expect((await ask(simulator, business({ tags: tagCodes }))).code).toBe(201);
    simulator.configure({ overLimit: 'cut' });
    expect((await askList(simulator, { tags: tagCodes }))[0]?.tags).toHaveLength(5);
  });
});
