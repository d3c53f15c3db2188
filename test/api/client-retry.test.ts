import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/api/client.ts';
import {
  answers,
  clientFor,
  envelope,
  failureOf,
  type Handler,
  now,
  question,
  startRawServer,
  startServer,
} from './server.ts';

/** An answer that never comes. */
const silence: Handler = () => {};

const elapsed = async (call: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await call();
  return performance.now() - start;
};

describe('what may do better is asked again', () => {
  it('until it is answered, with a turn before each call and a report after each', async () => {
    await using server = await startServer(answers({ status: 503 }, 'garbage', envelope(['BTC'])));
    const log: string[] = [];
    const answer = await clientFor(server.url).fetchMetrics(question, {
      turn: async () => void log.push(`turn, ${server.received.length} sent`),
      onAttempt: async ({ outcome, code }) => void log.push(`${outcome} ${code}`),
    });
    expect(answer).toEqual(['BTC']);
    expect(log).toEqual([
      'turn, 0 sent',
      'transient 503',
      'turn, 1 sent',
      'transient 200',
      'turn, 2 sent',
      'answered 200',
    ]);
  });

  it('as often as the policy says and no more; the last failure is the one that counts', async () => {
    await using server = await startServer(
      answers({ status: 500 }, { status: 502 }, { status: 503 }, envelope([])),
    );
    const { failure, attempts } = await failureOf(clientFor(server.url));
    expect(failure).toMatchObject({ kind: 'transient', code: 503, message: 'HTTP status 503' });
    expect(attempts.map(({ code }) => code)).toEqual([500, 502, 503]);
    expect(server.received).toHaveLength(3);

    const once = clientFor(server.url, { retry: { attempts: 1, firstDelay: 4, longestDelay: 8 } });
    expect(await once.fetchMetrics(question)).toEqual([]);
    await using broken = await startServer(answers({ status: 500 }));
    const impatient = clientFor(broken.url, { retry: { attempts: 1, firstDelay: 4, longestDelay: 8 } });
    expect((await failureOf(impatient)).attempts).toHaveLength(1);
  });

  it('but twice at most for the token list, which the program can do without', async () => {
    await using server = await startServer(answers({ status: 404 }));
    await expect(clientFor(server.url).fetchTokens()).rejects.toMatchObject({ kind: 'transient', code: 404 });
    expect(server.received).toHaveLength(2);
  });

  it.each([
    [{ status: 429, retryAfter: '7' }, 'throttled', 7000],
    [{ status: 503, retryAfter: 'Wed, 21 Oct 2026 07:28:30 GMT' }, 'transient', 30_000],
    [{ status: 429, body: '<html>slow down</html>' }, 'throttled', undefined],
    [{ status: 500, retryAfter: 'soon' }, 'transient', undefined],
    [{ status: 200, body: '{"code":429,"msg":"slow down"}', retryAfter: '3' }, 'throttled', 3000],
  ] as const)('after %j, which asks for a wait', async (answer, kind, retryAfter) => {
    expect(now).toBe(Date.parse('Wed, 21 Oct 2026 07:28:00 GMT'));
    await using server = await startServer(answers(answer));
    const once = clientFor(server.url, { retry: { attempts: 1, firstDelay: 4, longestDelay: 8 } });
    const { failure, attempts } = await failureOf(once);
    expect(failure).toMatchObject({ kind, retryAfter });
    expect(attempts).toMatchObject([{ outcome: kind, retryAfter }]);
  });

  it('not before the wait that the API named is over', async () => {
    await using server = await startServer(answers({ status: 429, retryAfter: '0.3' }, envelope([])));
    expect(await elapsed(() => clientFor(server.url).fetchMetrics(question))).toBeGreaterThan(290);
  });

  it('after the wait that policy and chance name', async () => {
    await using server = await startServer(
      answers({ status: 500 }, envelope([]), { status: 500 }, envelope([])),
    );
    const retry = { attempts: 2, firstDelay: 20_000, longestDelay: 20_000 };
    const late = clientFor(server.url, { retry, random: () => 0.015 });
    expect(await elapsed(() => late.fetchMetrics(question))).toBeGreaterThan(290);
    const early = clientFor(server.url, { retry, random: () => 0 });
    expect(await elapsed(() => early.fetchMetrics(question))).toBeLessThan(15_000);
  });
});

describe('a call that went wrong', () => {
  it.each([
    ['no JSON', 'not a word of JSON'],
    ['nothing', ''],
    ['a list', '[]'],
    ['no code', '{"msg":"hello"}'],
    ['a code that is no number', '{"code":"ok"}'],
    ['a code that is broken', '{"code":200.5}'],
    ['an empty code', '{"code":" "}'],
    ['null', 'null'],
  ])('by an answer with %s is transient', async (_, body) => {
    await using server = await startServer(answers(body));
    const { failure, attempts } = await failureOf(clientFor(server.url));
    expect(failure).toMatchObject({
      kind: 'transient',
      code: 200,
      message: 'the answer is no JSON envelope with a code',
    });
    expect(attempts).toHaveLength(3);
  });

  it.each(['AAAA', 'no base64!', '', '+yrvSlEYCJeDz4wPsjtiTQ=='])(
    'by the payload %j, which cannot be decrypted, is transient',
    async (data) => {
      await using server = await startServer(answers(JSON.stringify({ code: 200, data })));
      const { failure, attempts } = await failureOf(clientFor(server.url));
      expect(failure).toMatchObject({
        kind: 'transient',
        code: 200,
        message: 'the answer cannot be decrypted, or holds no JSON',
      });
      expect(attempts).toHaveLength(3);
    },
  );

  it('by a connection that is cut before or within the answer is transient', async () => {
    await using server = await startServer((response, attempt) => {
      if (attempt > 1) {
        response.setHeader('Content-Length', 1000);
        response.write('{"code":200,');
      }
      setTimeout(() => response.destroy(), 10);
    });
    const { failure, attempts } = await failureOf(clientFor(server.url));
    expect(failure).toMatchObject({ kind: 'transient', code: undefined });
    expect(failure.message).toMatch(/^the connection failed: ./);
    expect(attempts).toHaveLength(3);
  });

  it('by a server that is not there is transient', async () => {
    const server = await startServer(silence);
    await server[Symbol.asyncDispose]();
    const { failure } = await failureOf(clientFor(server.url));
    expect(failure).toMatchObject({ kind: 'transient', code: undefined });
    expect(failure.message).toContain('ECONNREFUSED');
  });

  it('by a server that does not speak HTTP is transient', async () => {
    await using server = await startRawServer('SSH-2.0-OpenSSH_9.6\r\n');
    expect((await failureOf(clientFor(server.url))).failure.kind).toBe('transient');
  });

  it('by a redirect is transient, and nothing is sent to where it leads', async () => {
    await using elsewhere = await startServer(answers(envelope([])));
    await using server = await startServer((response) => {
      response.writeHead(307, { Location: `${elsewhere.url}/v1/endpoint` }).end();
    });
    expect((await failureOf(clientFor(server.url))).failure.kind).toBe('transient');
    expect(server.received).toHaveLength(3);
    expect(elsewhere.received).toEqual([]);
  });

  it.each<[string, Handler]>([
    ['that does not begin', silence],
    [
      'that does not end',
      (response) => {
        response.write('{"code":200,');
        const drip = setInterval(() => response.write(' '), 10);
        response.on('close', () => clearInterval(drip));
      },
    ],
  ])('by an answer %s in time is transient', async (_, handler) => {
    await using server = await startServer(handler);
    const { failure, attempts } = await failureOf(clientFor(server.url, { timeout: 80 }));
    expect(failure).toMatchObject({
      kind: 'transient',
      code: undefined,
      message: 'no complete answer within 0.08 s',
    });
    expect(attempts).toHaveLength(3);
    for (const { milliseconds } of attempts) expect(milliseconds).toBeGreaterThanOrEqual(75);
  });

  it('by an answer without end is transient, and no more of it is read', async () => {
    let closed = 0;
    await using server = await startServer((response) => {
      const chunk = 'x'.repeat(10_000);
      const flood = setInterval(() => response.write(chunk), 1);
      response.on('close', () => {
        clearInterval(flood);
        closed++;
      });
    });
    const { failure, attempts } = await failureOf(clientFor(server.url, { largestAnswer: 50_000 }));
    expect(failure).toMatchObject({ kind: 'transient', message: 'the answer is larger than 50000 bytes' });
    expect(attempts).toHaveLength(3);
    await expect.poll(() => closed).toBe(3);
  });

  it('reads an answer that is just as large as may be', async () => {
    const body = envelope(['BTC']);
    await using server = await startServer(answers(body));
    expect(await clientFor(server.url, { largestAnswer: body.length }).fetchMetrics(question)).toEqual([
      'BTC',
    ]);
    const narrow = clientFor(server.url, { largestAnswer: body.length - 1 });
    expect((await failureOf(narrow)).failure.message).toContain('larger than');
  });
});

describe('an abort', () => {
  const reason = new Error('the process stops');

  async function abortedCall(
    url: string,
    abort: (controller: AbortController) => void,
    turn?: (signal: AbortSignal | undefined) => Promise<void>,
  ): Promise<{ error: unknown; milliseconds: number; attempts: Attempt[] }> {
    const controller = new AbortController();
    const attempts: Attempt[] = [];
    const client = clientFor(url, {
      retry: { attempts: 3, firstDelay: 60_000, longestDelay: 60_000 },
      random: () => 1,
    });
    let error: unknown;
    const start = performance.now();
    abort(controller);
    try {
      await client.fetchMetrics(question, {
        signal: controller.signal,
        onAttempt: (attempt) => void attempts.push(attempt),
        ...(turn !== undefined && { turn }),
      });
    } catch (caught) {
      error = caught;
    }
    return { error, milliseconds: performance.now() - start, attempts };
  }

  it('before the call sends nothing', async () => {
    await using server = await startServer(answers(envelope([])));
    const { error } = await abortedCall(server.url, (controller) => controller.abort(reason));
    expect(error).toBe(reason);
    expect(server.received).toEqual([]);
  });

  it('while the answer is awaited ends the call at once and counts as no attempt', async () => {
    await using server = await startServer(silence);
    const { error, milliseconds, attempts } = await abortedCall(server.url, (controller) => {
      setTimeout(() => controller.abort(reason), 50);
    });
    expect(error).toBe(reason);
    expect(milliseconds).toBeLessThan(2000);
    expect(attempts).toEqual([]);
  });

  it('between two calls ends the wait at once, with the reason of the abort', async () => {
    await using server = await startServer(answers({ status: 500 }));
    const { error, milliseconds, attempts } = await abortedCall(server.url, (controller) => {
      setTimeout(() => controller.abort(reason), 100);
    });
    expect(milliseconds).toBeLessThan(2000);
    expect(attempts).toHaveLength(1);
    expect(server.received).toHaveLength(1);
    expect(error).toBe(reason);
  });

  it('while it waits for its turn reaches who gives the turns', async () => {
    await using server = await startServer(answers(envelope([])));
    const { error } = await abortedCall(
      server.url,
      (controller) => {
        setTimeout(() => controller.abort(reason), 20);
      },
      (signal) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    );
    expect(error).toBe(reason);
    expect(server.received).toEqual([]);
  });

  it('that never comes leaves the call as it is', async () => {
    await using server = await startServer(answers({ status: 500 }, envelope(['BTC'])));
    const { signal } = new AbortController();
    expect(await clientFor(server.url).fetchMetrics(question, { signal })).toEqual(['BTC']);
  });
});
