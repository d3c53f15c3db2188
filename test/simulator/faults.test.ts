import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  describeFaults,
  type Faults,
  faultKinds,
  parseFaults,
  type Simulator,
  startSimulator,
} from '../../src/simulator/index.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { ask, askList, beijing, business, post, StoppedClock, valuesOf } from './ask.ts';

const clock = new StoppedClock(beijing('2025-06-02'));
const rateClock = new StoppedClock(0);
const simulator: Simulator = await startSimulator({ clock, rateClock });

const always = { probability: 1 };

afterEach(() => {
  simulator.setFaults({});
  simulator.configure({ rateLimit: Number.POSITIVE_INFINITY, recordLimit: 2_000, order: 'oldest' });
});
afterAll(() => simulator.close());

async function askWith(faults: Faults) {
  simulator.setFaults(faults);
  return post(simulator, '{}');
}

describe('a fault', () => {
  it.each([500, 503] as const)('answers HTTP %i', async (status) => {
    const answered = await askWith({ [`error${status}`]: always });
    expect(answered).toMatchObject({ status, code: undefined });
    expect(simulator.log.at(-1)).toMatchObject({ status, fault: `error${status}`, records: 0 });
  });

  it('throttles by HTTP status or by code', async () => {
    const byStatus = await askWith({ throttle: { ...always, retryAfterSeconds: 7 } });
    expect(byStatus.status).toBe(429);
    expect(byStatus.headers.get('retry-after')).toBe('7');
    const byCode = await askWith({ throttle: { ...always, as: 'body' } });
    expect(byCode).toMatchObject({ status: 200, code: 429 });
  });

  it('throttles without saying for how long', async () => {
    const { status, headers } = await askWith({ throttle: { ...always, as: 'plain' } });
    expect(status).toBe(429);
    expect(headers.get('retry-after')).toBeNull();
  });

  it.each([401, 403] as const)('answers HTTP %i with a page, as a whitelist does', async (status) => {
    const answered = await askWith({ forbidden: { ...always, status } });
    expect(answered).toMatchObject({ status, code: undefined });
    expect(answered.headers.get('content-type')).toBe('text/html');
    expect(answered.text).toContain('<html>');
  });

  it('cuts the connection before the answer or halfway through it', async () => {
    simulator.setFaults({ cutConnection: { ...always, at: 'before' } });
    await expect(ask(simulator, business())).rejects.toThrow('fetch failed');
    expect(simulator.log.at(-1)).toMatchObject({ status: 0, fault: 'cutConnection' });
    simulator.setFaults({ cutConnection: { ...always, at: 'halfway' } });
    await expect(ask(simulator, business({ endpoints: v1Metrics }))).rejects.toThrow();
    expect(simulator.log.at(-1)).toMatchObject({ status: 200, code: 200, fault: 'cutConnection' });
    simulator.setFaults({});
    expect((await ask(simulator, business())).code).toBe(200);
  });

  it('sends garbage: no JSON, or a payload that cannot be decrypted', async () => {
    const text = await askWith({ garbage: { ...always, as: 'text' } });
    expect(text.status).toBe(200);
    expect(() => JSON.parse(text.text)).toThrow();
    simulator.setFaults({ garbage: { ...always, as: 'payload' } });
    await expect(ask(simulator, business())).rejects.toThrow(/decrypt/);
  });

  it('answers an unknown code', async () => {
    expect(await askWith({ unknownCode: always })).toMatchObject({ status: 200, code: 500 });
    expect((await askWith({ unknownCode: { ...always, code: 777 } })).code).toBe(777);
  });

  it.each([
    ['list', [{ token: 'BTC', endPoints: [] }]],
    ['nothing', []],
    ['null', null],
    ['absent', undefined],
  ] as const)('has nothing of anything, as %s', async (as, payload) => {
    simulator.setFaults({ empty: { ...always, as } });
    const answered = await ask(simulator, business());
    expect(answered.code).toBe(200);
    if (payload === undefined || payload === null) expect(answered.payload).toBe(payload);
    else expect(answered.payload).toMatchObject(payload);
  });

  it('has nothing of anything, by code 203', async () => {
    simulator.setFaults({ empty: { ...always, as: '203' } });
    expect(await ask(simulator, business())).toMatchObject({ code: 203, payload: undefined });
  });

  it.each(['1.7e308', '1e400', '12345678901234567890'] as const)(
    'has one absurd value: %s',
    async (value) => {
      const sane = valuesOf(await askList(simulator));
      simulator.setFaults({ absurd: { ...always, value } });
      expect(valuesOf(await askList(simulator))).toEqual([value, ...sane.slice(1)]);
    },
  );

  it('writes an absurd value as a number where values are numbers, exactly', async () => {
    simulator.configure({ valuesAs: 'number', payloadAs: 'plain' });
    simulator.setFaults({ absurd: { ...always, value: '1e400' } });
    expect((await ask(simulator, business())).text).toContain('"value":1e400}');
    simulator.configure({ valuesAs: 'string', payloadAs: 'encrypted' });
  });

  it('gives one cell two values', async () => {
    simulator.setFaults({ twice: always });
    const [first, ...others] = (await askList(simulator))[0]?.endPoints ?? [];
    expect(first?.data.map(({ endpoint }) => endpoint)).toEqual(['CO-A-01-05', 'CO-A-01-05']);
    expect(new Set(first?.data.map(({ value }) => value)).size).toBe(2);
    expect(others.every(({ data }) => data.length === 1)).toBe(true);
  });

  it('repeats in its words what was sent', async () => {
    const { code, msg } = await askWith({ echo: always });
    expect(code).toBe(500);
    expect(msg).toContain('content-type');
    expect(msg).toContain('{}');
  });

  it('puts a byte order mark before the JSON', async () => {
    simulator.setFaults({ bom: always });
    const response = await fetch(`${simulator.url}/v1/endpoint`, { method: 'POST', body: '{}' });
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect([...bytes.slice(0, 4)]).toEqual([0xef, 0xbb, 0xbf, '{'.charCodeAt(0)]);
  });

  it('sends the body a byte at a time, after the headers', async () => {
    simulator.setFaults({ drip: { ...always, milliseconds: 15 } });
    const before = performance.now();
    const response = await fetch(`${simulator.url}/v1/endpoint`, { method: 'POST', body: '{}' });
    const headersAfter = performance.now() - before;
    let pieces = 0;
    for await (const _ of response.body ?? []) pieces += 1;
    expect(pieces).toBeGreaterThan(10);
    expect(performance.now() - before).toBeGreaterThan(headersAfter + 15 * 10);
  });

  it('is slow', async () => {
    const before = performance.now();
    expect((await askWith({ slow: { ...always, milliseconds: 60 } })).code).toBe(201);
    expect(performance.now() - before).toBeGreaterThan(55);
    expect(simulator.log.at(-1)).toMatchObject({ delay: 60, fault: undefined });
  });

  it.each(['oldest', 'newest'] as const)(
    'cuts short by windows nobody asked for, %s first',
    async (order) => {
      simulator.configure({ recordLimit: 100, order });
      const asked = { token: ['BTC', 'ETH'], endpoints: v1Metrics.slice(0, 5) };
      const wanted = await askList(simulator, asked);
      simulator.setFaults({ cutShort: always });
      const got = await askList(simulator, asked);
      expect(valuesOf(wanted)).toHaveLength(40);
      expect(valuesOf(got)).toHaveLength(100);
      const isAsked = (startTime: string) =>
        startTime >= '2025-06-01 00:00:00' && startTime < '2025-06-01 04:00:00';
      const kept = got.flatMap(({ endPoints }) => endPoints.filter(({ startTime }) => isAsked(startTime)));
      expect(kept.flatMap(({ data }) => data).length).toBeLessThan(40);
      expect(got[0]?.endPoints.some(({ startTime }) => !isAsked(startTime))).toBe(true);
    },
  );

  it('meets about the share of requests that was asked for, the same ones every time', async () => {
    const faults = parseFaults('error500=0.3,unknownCode=501@0.2');
    const outcomes = async () => {
      const other = await startSimulator({ clock, faults, seed: 5 });
      try {
        const all: number[] = [];
        for (let at = 0; at < 200; at += 1) {
          const { status, code } = await post(other, '{}');
          all.push(code ?? status);
        }
        return { all, counters: other.counters };
      } finally {
        await other.close();
      }
    };
    const [one, two] = [await outcomes(), await outcomes()];
    expect(one.all).toEqual(two.all);
    expect(one.counters).toEqual(two.counters);
    const { byStatus, byCode, byFault, requests } = one.counters;
    expect(requests).toBe(200);
    expect(byStatus[500]).toBeGreaterThan(40);
    expect(byStatus[500]).toBeLessThan(80);
    expect(byFault).toEqual({ error500: byStatus[500], unknownCode: byCode[501] });
    expect(byCode[201]).toBe(200 - (byStatus[500] ?? 0) - (byCode[501] ?? 0));
  });
});

describe('the rate limit', () => {
  it('lets so many requests through in a rolling second', async () => {
    simulator.configure({ rateLimit: 3 });
    const statuses = async (count: number) => {
      const all: number[] = [];
      for (let at = 0; at < count; at += 1) all.push((await post(simulator, '{}')).status);
      return all;
    };
    rateClock.instant = 10_000;
    expect(await statuses(2)).toEqual([200, 200]);
    rateClock.instant = 10_600;
    expect(await statuses(3)).toEqual([200, 429, 429]);
    rateClock.instant = 11_000;
    expect(await statuses(3)).toEqual([200, 200, 429]);
    const refused = await post(simulator, '{}');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(simulator.log.at(-1)?.fault).toBe('rateLimit');
  });
});

describe('faults as text', () => {
  it('are read', () => {
    expect(parseFaults('')).toEqual({});
    expect(parseFaults('error500=0.1, cutConnection=0.05,slow=2000@.1')).toEqual({
      error500: { probability: 0.1 },
      cutConnection: { probability: 0.05 },
      slow: { probability: 0.1, milliseconds: 2_000 },
    });
    expect(parseFaults('throttle=30@1,unknownCode=500@0,garbage=text@1,cutConnection=halfway@1')).toEqual({
      throttle: { probability: 1, retryAfterSeconds: 30 },
      unknownCode: { probability: 0, code: 500 },
      garbage: { probability: 1, as: 'text' },
      cutConnection: { probability: 1, at: 'halfway' },
    });
    expect(parseFaults('throttle=body@0.5,error503=1,cutShort=1')).toEqual({
      throttle: { probability: 0.5, as: 'body' },
      error503: { probability: 1 },
      cutShort: { probability: 1 },
    });
  });

  it('are described, every one of them', () => {
    expect(describeFaults().map(([form]) => form.split('=')[0])).toEqual([...faultKinds]);
    expect(describeFaults()).toContainEqual(['throttle=[SECONDS|plain|body@]P', expect.any(String)]);
    const all = { throttle: 'plain', forbidden: '401', empty: 'null', absurd: '1e400', drip: '100' };
    const text = Object.entries(all).map(([kind, detail]) => `${kind}=${detail}@1`);
    expect(parseFaults(`${text.join()},twice=1,echo=1,bom=1`)).toEqual({
      throttle: { probability: 1, as: 'plain' },
      forbidden: { probability: 1, status: 401 },
      empty: { probability: 1, as: 'null' },
      absurd: { probability: 1, value: '1e400' },
      drip: { probability: 1, milliseconds: 100 },
      twice: { probability: 1 },
      echo: { probability: 1 },
      bom: { probability: 1 },
    });
  });

  it.each([
    ['error501=0.1', /^fault "error501=0.1": "error501" is none of cutConnection, /],
    ['toString=1', /"toString" is none of/],
    ['error500', /^fault "error500": not name=probability$/],
    ['error500=0.1=2', /not name=probability/],
    [
      'error503=0.1,error500=1.5',
      /^fault "error500=1.5": the probability "1.5" is not a number from 0 to 1$/,
    ],
    ['error500=', /the probability ""/],
    ['error500=-1', /the probability "-1"/],
    ['error500=ten', /the probability "ten"/],
    ['error500=5@0.1', /^fault "error500=5@0.1": "5" means nothing for error500$/],
    ['slow=fast@0.1', /"fast" means nothing for slow/],
    ['slow=@0.1', /"" means nothing for slow/],
    ['slow=0.1,slow=0.2', /^fault "slow=0.2": slow is given twice$/],
  ])('are refused: %s', (text, message) => {
    expect(() => parseFaults(text)).toThrow(RangeError);
    expect(() => parseFaults(text)).toThrow(message);
  });
});
