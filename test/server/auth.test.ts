import { request as ask } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { StatusServer, StatusServerOptions } from '../../src/server/server.ts';
import { ManualClock } from '../support/clock.ts';
import { makeServer, now } from './fakes.ts';

const running: StatusServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

const day = 86_400_000;
const clock = new ManualClock(now);

async function start(
  tokens: { httpToken?: string; httpWriteToken?: string },
  overrides: Partial<StatusServerOptions> = {},
): Promise<string> {
  const { httpToken, httpWriteToken } = tokens;
  const server = makeServer({
    settings: { httpHost: '127.0.0.1', httpPort: 0, httpToken, httpWriteToken },
    clock,
    ...overrides,
  });
  running.push(server);
  return server.start();
}

const signIn = (url: string, token: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ token }),
    redirect: 'manual',
    headers,
  });

/** The cookie as a browser would send it back. */
const cookieOf = (answer: Response) => answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '';

const statusWith = async (url: string, cookie: string) =>
  (await fetch(`${url}/status`, { headers: { cookie } })).status;

describe('a sign-in', () => {
  it('opens what the bearer opens, until its time is over or it is signed out', async () => {
    const url = await start({ httpToken: 'a-good-token' });
    const answer = await signIn(url, ' a-good-token ');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(answer.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(answer.headers.get('set-cookie')).not.toContain('a-good-token');
    const cookie = cookieOf(answer);
    expect(await statusWith(url, cookie)).toBe(200);
    clock.advance(8 * day);
    expect(await statusWith(url, cookie)).toBe(401);
    const out = await fetch(`${url}/sign-out`, { method: 'POST', redirect: 'manual', headers: { cookie } });
    expect(out.headers.get('set-cookie')).toMatch(/cryptoracle_session=;/);
  });

  it('is worth nothing where it was made up, changed, or signed with another token', async () => {
    const url = await start({ httpToken: 'a-good-token' });
    const cookie = cookieOf(await signIn(url, 'a-good-token'));
    const forged = [
      `cryptoracle_session=write.${now + day}`,
      `cryptoracle_session=read.${now + 9 * day}.abc`,
      cookie.replace('read.', 'write.'),
      cookie.replace(/\.(\d)/, '.9$1'),
      `${cookie}x`,
    ];
    for (const each of forged) expect([each, await statusWith(url, each)]).toEqual([each, 401]);
    const other = await start({ httpToken: 'another-good-token' });
    expect(await statusWith(other, cookie)).toBe(401);
  });

  it('is refused with a wrong token, and after ten guesses with any', async () => {
    const url = await start({ httpToken: 'a-good-token' });
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess++) statuses.push((await signIn(url, `guess-${guess}`)).status);
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 303));
    expect(statuses.slice(10)).toEqual([429, 429]);
    const late = await signIn(url, 'a-good-token');
    expect([late.status, late.headers.get('set-cookie')]).toEqual([429, null]);
  });

  it('is not taken from another site', async () => {
    const url = await start({ httpToken: 'a-good-token' });
    for (const headers of [
      { origin: 'https://elsewhere.example' },
      { 'sec-fetch-site': 'cross-site' },
    ] satisfies Record<string, string>[]) {
      expect((await signIn(url, 'a-good-token', headers)).status).toBe(403);
    }
  });

  it('is offered to a browser, which needs no script for it', async () => {
    const url = await start({ httpToken: 'a-good-token' });
    const form = await (await fetch(`${url}/sign-in`)).text();
    expect(form).toMatch(/<form method="post" action="\/sign-in">[\s\S]*name="token"/);
    expect(form).not.toContain('<script');
  });
});

describe('a server on this machine without a token', () => {
  /** The status of `/status`, asked for under a host name. */
  const asHost = (url: string, host: string) =>
    new Promise<number | undefined>((done, fail) => {
      const { hostname, port } = new URL(url);
      ask({ host: hostname, port, path: '/status', headers: { host } }, (answer) => {
        answer.resume();
        done(answer.statusCode);
      })
        .once('error', fail)
        .end();
    });

  it('answers to the names of this machine, and to no other that leads here', async () => {
    const url = await start({});
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:8080']) {
      expect([host, await asHost(url, host)]).toEqual([host, 200]);
    }
    for (const host of ['rebound.example', 'rebound.example:8080', '127.0.0.1.example', '10.0.0.1']) {
      expect([host, await asHost(url, host)]).toEqual([host, 421]);
    }
  });

  it('answers to any name where a token protects it', async () => {
    const url = await start({ httpToken: 'a-good-token' });
    expect(await asHost(url, 'metrics.example')).toBe(401);
  });
});
