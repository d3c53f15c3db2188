import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type IncomingCall, Market, sampleCredentials, startSimulator } from '../../src/simulator/index.ts';
import { ask, beijing, business, StoppedClock } from './ask.ts';

const clock = new StoppedClock(beijing('2025-06-02'));

describe('a simulator', () => {
  it('tells where it is, and speaks with the system’s clock and the sample credentials by default', async () => {
    const simulator = await startSimulator();
    try {
      expect(simulator.url).toBe(`http://127.0.0.1:${simulator.port}/openapi`);
      expect(simulator.credentials).toBe(sampleCredentials);
      expect((await ask(simulator, business())).code).toBe(200);
    } finally {
      await simulator.close();
    }
  });

  it('takes a market, options of one, and other credentials', async () => {
    const market = new Market({ seed: 9 });
    const credentials = {
      apiKey: 'k',
      signSecret: 's',
      dataSecret: '0123456789abcdef',
      dataIv: 'fedcba9876543210',
    };
    const given = await startSimulator({ market, credentials });
    const made = await startSimulator({ seed: 9, market: { lateShare: 0 } });
    try {
      expect(given.market).toBe(market);
      expect((await ask(given, business(), { credentials })).code).toBe(200);
      expect((await ask(given, business())).code).toBe(202);
      const window = beijing('2025-06-01');
      expect(made.market.row('1d', 'BTC', window)).toEqual(market.row('1d', 'BTC', window));
    } finally {
      await Promise.all([given.close(), made.close()]);
    }
  });

  it('rejects with node’s error where the port is in use', async () => {
    const first = await startSimulator();
    try {
      const second = startSimulator({ port: first.port });
      await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' });
    } finally {
      await first.close();
    }
  });

  it('closes at once: idle connections, answers held back, and a second time', async () => {
    const simulator = await startSimulator({
      faults: { slow: { probability: 1, milliseconds: 60_000 } },
      clock,
    });
    const idle = connect(simulator.port, '127.0.0.1');
    const ended = new Promise((resolve) => idle.once('close', resolve));
    idle.on('error', () => {});
    const answer = ask(simulator, business());
    const failed = expect(answer).rejects.toThrow();
    while (simulator.counters.requests === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const before = performance.now();
    await simulator.close();
    await simulator.close();
    await Promise.all([failed, ended]);
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  it('counts requests and remembers the newest of them', async () => {
    const simulator = await startSimulator({ clock, logSize: 3 });
    try {
      for (const hour of [4, 3, 2, 1]) {
        await ask(simulator, business({ endTime: `2025-06-01 0${hour}:00:00` }));
      }
      await ask(simulator, business({ token: ['NOPE'] }));
      expect(simulator.counters).toEqual({
        requests: 5,
        records: 10,
        byCode: { 200: 4, 203: 1 },
        byStatus: { 200: 5 },
        byFault: {},
      });
      expect(simulator.log.map(({ number }) => number)).toEqual([3, 4, 5]);
      expect(simulator.log[0]).toEqual({
        number: 3,
        at: clock.instant,
        call: 'endpoint',
        business: business({ endTime: '2025-06-01 02:00:00' }),
        status: 200,
        code: 200,
        records: 2,
        fault: undefined,
        delay: 0,
      });
      simulator.clearLog();
      expect(simulator.log).toEqual([]);
      expect(simulator.counters.requests).toBe(5);
    } finally {
      await simulator.close();
    }
  });

  it('asks the hook before it answers, and heeds what the hook changes', async () => {
    const seen: IncomingCall[] = [];
    const simulator = await startSimulator({
      clock,
      onRequest: async (request) => {
        seen.push(request);
        await Promise.resolve();
        if (request.number === 2) simulator.refuseMetric('CO-A-01-05');
      },
    });
    try {
      expect((await ask(simulator, business())).code).toBe(200);
      expect((await ask(simulator, business())).code).toBe(205);
      expect(seen).toEqual([1, 2].map((number) => expect.objectContaining({ number, business: business() })));
    } finally {
      await simulator.close();
    }
  });

  it('keeps connections open between requests', async () => {
    const simulator = await startSimulator({ clock });
    try {
      const response = await fetch(`${simulator.url}/v1/endpoint`, { method: 'POST', body: '{}' });
      await response.text();
      expect(response.headers.get('connection')).toBe('keep-alive');
    } finally {
      await simulator.close();
    }
  });
});
