import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/api/client.ts';
import { encrypt } from '../../src/api/dialects/cipher.ts';
import type { ApiFailure } from '../../src/api/failure.ts';
import {
  answers,
  clientFor,
  credentials,
  envelope,
  failureOf,
  type Handler,
  question,
  startRawServer,
  startServer,
} from './server.ts';

/** All that a log, a person or the request log could ever see of a failed call. */
function everythingSaid({ failure, attempts }: { failure: ApiFailure; attempts: Attempt[] }): string {
  const said = [
    inspect(failure, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }),
  ];
  for (let error: unknown = failure; error instanceof Error; error = error.cause) {
    said.push(error.message, error.stack ?? '', JSON.stringify(error));
  }
  return [...said, JSON.stringify(attempts), inspect(attempts)].join('\n');
}

function expectNoSecret(said: string, secrets: readonly string[] = Object.values(credentials)): void {
  expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
}

const everySecret = Object.values(credentials).join(' and ');

describe('secrets', () => {
  it.each([201, 202, 203, 204, 205, 403, 429, 500])(
    'are blotted out where the server echoes them with code %i',
    async (code) => {
      await using server = await startServer(answers(JSON.stringify({ code, msg: `bad: ${everySecret}` })));
      const outcome = await failureOf(clientFor(server.url));
      expectNoSecret(everythingSaid(outcome));
      expect(outcome.failure.message).toBe(
        `code ${code}: bad: [redacted] and [redacted] and [redacted] and [redacted]`,
      );
    },
  );

  it('are blotted out whole where one begins with another', async () => {
    const nested = {
      apiKey: 'cryptoracle',
      signSecret: 'cryptoracle-tail-of-sign',
      dataSecret: 'cryptoracletest1',
      dataIv: 'acletest1-of-iv!',
    };
    const msg = Object.values(nested).join(' ');
    await using server = await startServer(answers(JSON.stringify({ code: 403, msg })));
    const outcome = await failureOf(clientFor(server.url, { credentials: nested }));
    expectNoSecret(everythingSaid(outcome), [...Object.values(nested), 'tail-of-sign', 'test1', 'of-iv']);
  });

  it.each<[string, Handler]>([
    [
      'an answer that is no JSON',
      (response, _, { body }) => void response.end(`<html>${everySecret} ${body}`),
    ],
    ['an HTTP error', (response, _, { body }) => void response.writeHead(500).end(`${everySecret} ${body}`)],
    ['the status text', (response) => void response.writeHead(500, everySecret).end()],
    ['a header', (response) => void response.writeHead(429, { 'Retry-After': everySecret }).end('{}')],
    [
      'a redirect',
      (response) => void response.writeHead(302, { Location: `http://${credentials.apiKey}/` }).end(),
    ],
    [
      'a broken redirect',
      (response) => void response.writeHead(302, { Location: `http://[${everySecret}` }).end(),
    ],
    ['the code', (response) => void response.end(JSON.stringify({ code: everySecret, msg: everySecret }))],
    [
      'a payload that is no ciphertext',
      (response) => void response.end(JSON.stringify({ code: 200, data: everySecret })),
    ],
    [
      'a payload that decrypts to no JSON',
      (response) =>
        void response.end(JSON.stringify({ code: 200, data: encrypt(everySecret, credentials, 'base64') })),
    ],
    [
      'an answer that is cut off',
      (response, _, { body }) => {
        response.writeHead(200, { 'Content-Length': 100_000 });
        response.write(`${everySecret} ${body}`);
        setTimeout(() => response.destroy(), 10);
      },
    ],
    [
      'an answer that is encoded as it is not',
      (response) => void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(everySecret),
    ],
  ])('do not come back from %s', async (_, handler) => {
    await using server = await startServer(handler);
    expectNoSecret(everythingSaid(await failureOf(clientFor(server.url))));
  });

  it.each([
    ['instead of HTTP', `SSH-2.0 ${everySecret}\r\n\r\n`],
    ['in a broken header', `HTTP/1.1 200 OK\r\n${everySecret}\r\n\r\n`],
    ['in a broken status line', `HTTP/1.1 ${everySecret}\r\n\r\n`],
    ['in a broken chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${everySecret}\r\n`],
  ])('do not come back %s', async (_, bytes) => {
    await using server = await startRawServer(bytes);
    expectNoSecret(everythingSaid(await failureOf(clientFor(server.url))));
  });

  it('are blotted out of data, in whatever form the server repeats them', async () => {
    const { apiKey, signSecret, dataSecret, dataIv } = credentials;
    const echo = [
      { token: apiKey, [signSecret]: encodeURIComponent(`${dataSecret}/é`) },
      [Buffer.from(dataIv).toString('base64'), { hex: Buffer.from(signSecret).toString('hex') }],
      `${apiKey}${dataIv} and 7`,
    ];
    await using server = await startServer(
      answers(envelope(echo), JSON.stringify({ code: 200, data: echo })),
    );
    for (const _ of ['sealed', 'plain']) {
      const payload = await clientFor(server.url).fetchMetrics(question);
      expectNoSecret(JSON.stringify(payload));
      expect(payload).toMatchObject([{ token: '[redacted]' }, {}, '[redacted][redacted] and 7']);
    }
  });

  it.each(['timeout', 'refused', 'too large'])('are not part of a failure by %s', async (how) => {
    await using server = await startServer((response) => {
      if (how === 'too large') response.end(everySecret.repeat(100));
    });
    const url = server.url;
    if (how === 'refused') await server[Symbol.asyncDispose]();
    const client = clientFor(url, { timeout: how === 'timeout' ? 60 : 5000, largestAnswer: 1000 });
    expectNoSecret(everythingSaid(await failureOf(client)));
  });
});
