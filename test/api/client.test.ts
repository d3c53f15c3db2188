import { createDecipheriv, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/api/client.ts';
import { encrypt } from '../../src/api/dialects/cipher.ts';
import { defaultWireProfile, dialectOf, type WireProfile } from '../../src/api/dialects/index.ts';
import type { FailureKind } from '../../src/api/failure.ts';
import {
  answers,
  clientFor,
  credentials,
  envelope,
  failureOf,
  now,
  question,
  startServer,
} from './server.ts';

const payload = [{ token: 'BTC', endPoints: [], tags: [], note: '比特币' }];

/** The business parameters of a request, as the vendor would read them. */
function opened(body: string, name = 'data', ciphertext: 'base64' | 'hex' = 'base64'): unknown {
  const sent: Record<string, unknown> = JSON.parse(body);
  const decipher = createDecipheriv('aes-128-cbc', credentials.dataSecret, credentials.dataIv);
  return JSON.parse(decipher.update(String(sent[name]), ciphertext, 'utf8') + decipher.final('utf8'));
}

describe('the client', () => {
  it('posts the sealed question and gives the decrypted answer', async () => {
    await using server = await startServer(answers(envelope(payload)));
    expect(await clientFor(server.url).fetchMetrics(question)).toEqual(payload);
    expect(server.received).toHaveLength(1);
    const [request] = server.received;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/v1/endpoint',
      headers: { 'content-type': 'application/json' },
    });
    const body = request?.body ?? '';
    expect(opened(body)).toEqual({
      token: ['BTC', 'ETH'],
      startTime: '2025-01-01 00:00:00',
      endTime: '2025-01-01 23:59:59',
      timeType: '1h',
      endpoints: ['CO-A-01-05'],
      tags: [],
    });
    const { apiKey, data, sign, ...others } = JSON.parse(body);
    const signed = `apiKey=${apiKey}&data=${data}`;
    expect(sign).toBe(createHmac('md5', credentials.signSecret).update(signed).digest('hex'));
    expect(others).toEqual({});
  });

  it('sends the tags that are wanted', async () => {
    await using server = await startServer(answers(envelope(payload)));
    await clientFor(server.url).fetchMetrics({ ...question, tags: ['CO-B-03-01', 'CO-B-01-04'] });
    await clientFor(server.url).fetchMetrics(question);
    expect(server.received.map(({ body }) => opened(body))).toMatchObject([
      { tags: ['CO-B-03-01', 'CO-B-01-04'] },
      { tags: [] },
    ]);
  });

  it('asks for the tokens with no parameters, below the version of its dialect', async () => {
    await using server = await startServer(answers('{"code":200,"data":["BTC"]}'));
    expect(await clientFor(server.url, { dialect: dialectOf('v2.1') }).fetchTokens()).toEqual(['BTC']);
    expect(server.received[0]?.path).toBe('/v2.1/coin/list');
    expect(server.received[0]).toMatchObject({ body: '{}', headers: { 'x-api-key': credentials.apiKey } });
  });

  it('speaks another wire profile both ways', async () => {
    const wire: WireProfile = { ...defaultWireProfile, payload: 'param', ciphertext: 'hex', timestamp: 's' };
    const param = encrypt(JSON.stringify(payload), credentials, 'hex');
    await using server = await startServer(answers(JSON.stringify({ code: 200, param })));
    expect(await clientFor(server.url, { dialect: dialectOf('v1', wire) }).fetchMetrics(question)).toEqual(
      payload,
    );
    const body = server.received[0]?.body ?? '';
    expect(JSON.parse(body)).toMatchObject({ timestamp: now / 1000 });
    expect(opened(body, 'param', 'hex')).toMatchObject({ timeType: '1h' });
  });

  it.each([
    ['plain JSON', { code: 200, data: payload }],
    ['a code as a text', { code: '200', msg: 'ok', data: payload }],
  ])('takes an answer with %s', async (_, answer) => {
    await using server = await startServer(answers(JSON.stringify(answer)));
    expect(await clientFor(server.url).fetchMetrics(question)).toEqual(payload);
  });

  it.each(['{"code":200,"msg":"success"}', '{"code":200,"data":null}'])(
    'takes %s for an answer that holds nothing',
    async (answer) => {
      await using server = await startServer(answers(answer));
      expect(await clientFor(server.url).fetchMetrics(question)).toBeNull();
    },
  );

  it('tells of the one attempt that was answered', async () => {
    await using server = await startServer(answers(envelope(payload)));
    const attempts: Attempt[] = [];
    await clientFor(server.url).fetchMetrics(question, {
      onAttempt: (attempt) => void attempts.push(attempt),
    });
    expect(attempts).toEqual([
      {
        outcome: 'answered',
        code: 200,
        message: undefined,
        retryAfter: undefined,
        milliseconds: expect.any(Number),
        serverTime: expect.any(Number),
      },
    ]);
    expect(attempts[0]?.milliseconds).toBeGreaterThanOrEqual(0);
    // The header counts seconds.
    expect(Math.abs(Date.now() - (attempts[0]?.serverTime ?? 0))).toBeLessThan(5000);
  });

  it.each([
    ['behind a byte order mark', (inner: string) => `\ufeff${inner}`, 'BTC'],
    ['in an envelope within', (inner: string) => `{"code":"200","message":"ok","data":${inner}}`, 'BTC'],
  ])('takes an answer %s', async (_, around, token) => {
    const text = around(JSON.stringify([{ token }]));
    const sealed = JSON.stringify({ code: 200, data: encrypt(text, credentials, 'base64') });
    await using server = await startServer(answers(`\ufeff${sealed}`));
    expect(await clientFor(server.url).fetchMetrics(question)).toEqual([{ token }]);
  });

  it('takes the code of an envelope within for the answer’s', async () => {
    await using server = await startServer(answers(envelope({ code: 205, msg: 'not yours', data: null })));
    expect((await failureOf(clientFor(server.url))).failure).toMatchObject({
      kind: 'metric-refused',
      message: 'code 205: not yours',
    });
  });

  it('answers many calls at once, each with its own', async () => {
    await using server = await startServer(async (response, attempt) => {
      await new Promise((resolve) => setTimeout(resolve, 20 - attempt));
      response.end(envelope(attempt));
    });
    const client = clientFor(server.url);
    const given = await Promise.all(Array.from({ length: 12 }, () => client.fetchMetrics(question)));
    expect(new Set(given)).toEqual(new Set(Array.from({ length: 12 }, (_, index) => index + 1)));
  });
});

describe('a code in the answer', () => {
  it.each<[number, FailureKind]>([
    [201, 'bad-request'],
    [202, 'access-denied'],
    [203, 'no-data'],
    [204, 'access-denied'],
    [205, 'metric-refused'],
    [403, 'access-denied'],
  ])('%i fails at once as %s, in the vendor’s words', async (code, kind) => {
    const msg = ' no \n  permission\tfor CO-A-01-05 ';
    await using server = await startServer(answers(JSON.stringify({ code, msg, data: null })));
    const { failure, attempts } = await failureOf(clientFor(server.url));
    expect(failure).toMatchObject({ kind, code, message: `code ${code}: no permission for CO-A-01-05` });
    expect(attempts).toMatchObject([{ outcome: kind, code, message: failure.message }]);
    expect(server.received).toHaveLength(1);
  });

  it.each([
    ['401 in the envelope', 200, '{"code":401,"msg":"no"}', 'code 401: no; '],
    ['HTTP 401 with a page', 401, '<html>who are you</html>', 'HTTP status 401: '],
    ['HTTP 403 with a page', 403, '<html>no</html>', 'HTTP status 403: '],
  ])('is a refusal that names the whitelist where it is %s', async (_, status, body, said) => {
    await using server = await startServer(answers({ status, body }));
    const { failure } = await failureOf(clientFor(server.url));
    expect(failure).toMatchObject({
      kind: 'access-denied',
      message: `${said}your address may not be on the key's whitelist`,
    });
    expect(server.received).toHaveLength(1);
  });

  it.each<[unknown, FailureKind]>([
    [429, 'throttled'],
    [500, 'transient'],
    [0, 'transient'],
    [-1, 'transient'],
    ['999', 'transient'],
  ])('%j is repeated as %s', async (code, kind) => {
    await using server = await startServer(answers(JSON.stringify({ code, msg: 'busy' })));
    const { failure, attempts } = await failureOf(clientFor(server.url));
    expect(failure).toMatchObject({ kind, code: Number(code), message: `code ${code}: busy` });
    expect(attempts.map(({ outcome }) => outcome)).toEqual([kind, kind, kind]);
    expect(server.received).toHaveLength(3);
  });

  it('counts also where the HTTP status says something else', async () => {
    await using server = await startServer(answers({ status: 500, body: '{"code":205,"msg":"not yours"}' }));
    expect((await failureOf(clientFor(server.url))).failure).toMatchObject({
      kind: 'metric-refused',
      code: 205,
    });
  });

  it.each<[unknown, string]>([
    [undefined, ''],
    [{ text: 'x' }, ''],
    [' \n ', ''],
    ['x'.repeat(9999), `: ${'x'.repeat(200)}`],
    // No words for people, but something that would take long to read.
    ['x '.repeat(9999), ''],
    // What a text column refuses, what moves a terminal's cursor, half a character.
    ['no\0pe \u001b[2K\u0085 \ud800!', ': no pe [2K \ufffd!'],
    ['🚀'.repeat(150), `: ${'🚀'.repeat(100)}`],
    [`${'x'.repeat(199)}🚀`, `: ${'x'.repeat(199)}\ufffd`],
  ])('may come with the words %j', async (msg, quoted) => {
    await using server = await startServer(answers(JSON.stringify({ code: 201, msg })));
    expect((await failureOf(clientFor(server.url))).failure.message).toBe(`code 201${quoted}`);
  });

  it('comes without what would steer a terminal', async () => {
    const msg = '\u001b[2J\u001b]0;title\u0007no\u0000 \u009b31mpermission\u202e\u200b';
    await using server = await startServer(answers(JSON.stringify({ code: 201, msg })));
    const { failure } = await failureOf(clientFor(server.url));
    expect(failure.message).toBe('code 201: [2J ]0;title no 31mpermission');
  });
  it.each([2 ** 31, -(2 ** 31) - 1, 1e21, '99999999999'])(
    '%j is none: no log could hold it',
    async (code) => {
      await using server = await startServer(answers(JSON.stringify({ code, msg: 'x' })));
      expect((await failureOf(clientFor(server.url))).failure).toMatchObject({
        kind: 'transient',
        code: 200,
        message: 'the answer is no JSON envelope with a code',
      });
    },
  );
});
