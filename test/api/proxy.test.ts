import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ForwardProxy } from '../../harness/proxy.ts';
import { createFetch } from '../../src/proxy.ts';
import { onFileEnd } from '../support/releasers.ts';
import { answers, clientFor, failureOf, type Handler, question, startServer } from './server.ts';

const retry = { attempts: 1, firstDelay: 1, longestDelay: 1 };
const api = 'http://api.example';

/** A client that gets to the server by a proxy alone: nobody knows its name. */
async function clientThrough(
  handler: Handler,
  options: { login?: string; sent?: string; largest?: number } = {},
) {
  const server = await startServer(handler);
  const proxy = await ForwardProxy.start(
    server.url,
    options.login === undefined ? {} : { login: options.login },
  );
  onFileEnd(async () => {
    await proxy.close();
    await server[Symbol.asyncDispose]();
  });
  const fetch = createFetch({ http: proxy.url(options.sent) });
  const limits = { retry, timeout: 2000, largestAnswer: options.largest ?? 1000 };
  return { proxy, client: clientFor(api, { ...limits, fetch }) };
}

describe('a call through a proxy', () => {
  const empty = '{"code":200,"data":[]}';

  it('asks the proxy for the API, with the login that the proxy wants', async () => {
    const login = 'us%40er:p%3Ass';
    const { proxy, client } = await clientThrough(answers(empty), { login: 'us@er:p:ss', sent: login });
    expect(await client.fetchMetrics(question)).toEqual([]);
    expect(await client.fetchMetrics(question)).toEqual([]);
    expect(new Set(proxy.targets)).toEqual(new Set(['api.example:80']));
  });

  it('is refused by a proxy without its login, which is told without that', async () => {
    const { client } = await clientThrough(answers(empty), {
      login: 'user:right',
      sent: 'user:wrong-secret',
    });
    const { failure } = await failureOf(client);
    expect(failure).toMatchObject({ kind: 'transient', message: expect.stringContaining('407') });
    expect(String(failure)).not.toContain('secret');
  });

  it('reads no more than the largest answer, unpacked', async () => {
    const packed = gzipSync(Buffer.alloc(100_000, ' '));
    const { client } = await clientThrough((response) => {
      response.setHeader('Content-Encoding', 'gzip').end(packed);
    });
    const { failure } = await failureOf(client);
    expect(failure).toMatchObject({ kind: 'transient', message: 'the answer is larger than 1000 bytes' });
  });

  it('ends in time where the API says nothing', async () => {
    const { client } = await clientThrough(() => {});
    const { failure } = await failureOf(client);
    expect(failure.message).toBe('no complete answer within 2 s');
  });

  it('ends when it is told to', async () => {
    const { client } = await clientThrough(() => {});
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('told to')), 200);
    await expect(client.fetchMetrics(question, { signal: stop.signal })).rejects.toThrow('told to');
  });

  it('follows no redirect', async () => {
    const { proxy, client } = await clientThrough((response) => {
      response.writeHead(307, { Location: 'http://elsewhere.example' }).end();
    });
    const { failure } = await failureOf(client);
    expect(failure).toMatchObject({ kind: 'transient', code: 307 });
    expect(proxy.targets).toEqual(['api.example:80']);
  });
});
