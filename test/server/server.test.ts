import { createServer } from 'node:http';
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/errors.ts';
import type { StatusServer, StatusServerOptions } from '../../src/server/server.ts';
import { statusToJson } from '../../src/store/reports/status.ts';
import { ManualClock } from '../support/clock.ts';
import { makeServer, now, sampleStatus } from './fakes.ts';

const running: StatusServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

async function start(overrides: Partial<StatusServerOptions> = {}): Promise<string> {
  const server = makeServer(overrides);
  running.push(server);
  return server.start();
}

const fail = () => Promise.reject(new Error('connection refused'));
const withToken = {
  httpHost: '127.0.0.1',
  httpPort: 0,
  httpToken: 'a-good-token',
  httpWriteToken: undefined,
};
const routes = ['/status', '/metrics'];

describe('the routes', () => {
  it('tell health, and say 503 where the database does not answer', async () => {
    let isDown = false;
    const url = await start({ schema: () => (isDown ? fail() : Promise.resolve('current')) });
    const ready = async (path: string) => {
      const answer = await fetch(`${url}${path}`);
      return [answer.status, await answer.json()];
    };
    for (const path of ['/readyz', '/health', '/healthz']) {
      expect(await ready(path)).toMatchObject([200, { status: 'ok' }]);
    }
    isDown = true;
    const reasons = [{ check: 'database', reason: 'the database does not answer' }];
    for (const path of ['/readyz', '/health']) {
      expect(await ready(path)).toEqual([503, { status: 'unavailable', reasons }]);
    }
    // The process is alive all the same.
    expect(await ready('/healthz')).toEqual([200, { status: 'ok' }]);
  });

  it('call a database ill that has not answered after 2 s', async () => {
    const url = await start({ schema: () => new Promise(() => {}) });
    const started = performance.now();
    expect((await fetch(`${url}/health`)).status).toBe(503);
    expect(performance.now() - started).toBeGreaterThan(1900);
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it('give the status as `status --json` prints it', async () => {
    const url = await start();
    const answer = await fetch(`${url}/status`);
    expect(answer.headers.get('content-type')).toMatch('application/json');
    const status: unknown = await answer.json();
    expect(status).toEqual(JSON.parse(JSON.stringify(statusToJson(sampleStatus))));
    expect(status).toMatchObject({
      granularities: [
        { newestDue: '2025-06-01T15:45:00.000Z', windowsBehind: 2, completeness: 0.99999 },
        { newestDue: null, newestStored: null, windowsBehind: null, completeness: null },
      ],
      lastCall: { at: '2025-06-01T16:19:48.000Z', outcome: 'failed' },
    });
  });

  it('give metrics', async () => {
    const url = await start();
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await metrics.text()).toContain('cryptoracle_freshness_lag_seconds{granularity="15m"} 1800');
    expect(metrics.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(metrics.headers.get('cache-control')).toBe('no-store');
  });

  it('say what is down without saying why', async () => {
    const lines: string[] = [];
    const url = await start({
      status: fail,
      queueCounts: fail,
      log: pino({ level: 'warn' }, { write: (line) => lines.push(line) }),
    });
    expect((await fetch(`${url}/status`)).status).toBe(503);
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.status).toBe(200);
    expect(await metrics.text()).toMatch(/^cryptoracle_database_up 0$/m);
    expect(lines.join('')).toMatch(/"what":"database","reason":"connection refused"/);
  });

  it('read the database once for many scrapes', async () => {
    const clock = new ManualClock(now);
    const status = vi.fn(async () => sampleStatus);
    const url = await start({ status, clock });
    await Promise.all([...routes, ...routes].map((route) => fetch(url + route)));
    await fetch(`${url}/metrics`);
    expect(status).toHaveBeenCalledTimes(1);
    clock.advance(2000);
    await fetch(`${url}/metrics`);
    expect(status).toHaveBeenCalledTimes(2);
  });

  it('answer 404 elsewhere, and do not write', async () => {
    const url = await start();
    const nowhere = await fetch(`${url}/nowhere`);
    expect([nowhere.status, await nowhere.json()]).toEqual([404, { error: 'there is no such page' }]);
    expect((await fetch(`${url}/status`, { method: 'POST', body: '{}' })).status).toBe(404);
    expect((await fetch(`${url}/%zz`)).status).toBe(400);
  });
});

describe('with a token', () => {
  it('opens only health without it', async () => {
    const url = await start({ settings: withToken });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    for (const route of [
      ...routes,
      '/nowhere',
      '/health/',
      '/health/../status',
      '/status?token=a-good-token',
    ]) {
      const answer = await fetch(url + route);
      expect([route, answer.status]).toEqual([route, 401]);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(await answer.text()).not.toContain('a-good-token');
    }
    expect((await fetch(`${url}/metrics`, { method: 'HEAD' })).status).toBe(401);
  });

  it('opens everything with it', async () => {
    const url = await start({ settings: withToken });
    for (const route of routes) {
      const answer = await fetch(url + route, { headers: { authorization: 'Bearer a-good-token' } });
      expect([route, answer.status]).toEqual([route, 200]);
      const wrong = await fetch(url + route, { headers: { authorization: 'Bearer another-token' } });
      expect([route, wrong.status]).toEqual([route, 401]);
    }
  });
});

describe('the start', () => {
  const settings = (httpHost: string, httpPort: number, httpToken?: string) => ({
    settings: { httpHost, httpPort, httpToken, httpWriteToken: undefined },
  });

  it('is refused on an open address without a token', async () => {
    const server = makeServer(settings('0.0.0.0', 0));
    await expect(server.start()).rejects.toThrow(UserError);
    await expect(server.start()).rejects.toThrow(/^HTTP_HOST: 0\.0\.0\.0 .*HTTP_TOKEN/);
    await server.stop();
  });

  it('works on an open address with one', async () => {
    const url = await start(settings('0.0.0.0', 0, 'a-good-token'));
    expect((await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/health`)).status).toBe(200);
  });

  it('names the port that is in use, in one line', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const attempt = start(settings('127.0.0.1', port));
      await expect(attempt).rejects.toThrow(UserError);
      await expect(attempt).rejects.toThrow(new RegExp(`^HTTP_PORT: ${port} is in use; [^\\n]+$`));
    } finally {
      await new Promise((done) => other.close(done));
    }
  });

  it.each(['203.0.113.77', 'no-such-host.invalid'])('names the address %s that is not ours', async (host) => {
    await expect(start(settings(host, 0, 'a-good-token'))).rejects.toThrow(
      /^HTTP_HOST: .*no address of this/,
    );
  });

  it('ends at once, with connections open, and twice', async () => {
    const server = makeServer();
    const url = new URL(await server.start());
    const idle = connect(Number(url.port), url.hostname);
    idle.on('error', () => {});
    const ended = new Promise((done) => idle.once('close', done));
    await new Promise((done) => idle.once('connect', done));
    const started = performance.now();
    await server.stop();
    await server.stop();
    await ended;
    expect(performance.now() - started).toBeLessThan(1000);
    await expect(fetch(url)).rejects.toThrow();
  });
});
