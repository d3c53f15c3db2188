import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { ApiClient, type ApiClientOptions, type Attempt } from '../../src/api/client.ts';
import { encrypt } from '../../src/api/dialects/cipher.ts';
import { dialectOf, type MetricsQuestion } from '../../src/api/dialects/index.ts';
import { ApiFailure } from '../../src/api/failure.ts';
import { asToken } from '../../src/catalog/index.ts';

export const credentials = {
  apiKey: 'key-from-the-vendor',
  signSecret: 'sign-secret-from-the-vendor',
  dataSecret: 'data-secret-16by',
  dataIv: 'data-iv-16-bytes',
};

/** 2026-10-21 07:28 UTC. */
export const now = Date.UTC(2026, 9, 21, 7, 28);

export const question: MetricsQuestion = {
  granularity: '1h',
  tokens: ['BTC', 'ETH'].map(asToken),
  metrics: ['CO-A-01-05'],
  tags: [],
  interval: { start: Date.UTC(2024, 11, 31, 16), end: Date.UTC(2025, 0, 1, 16) },
};

export interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** How a test answers the requests, the n-th from 1. */
export type Handler = (
  response: Parameters<RequestListener>[1],
  attempt: number,
  received: Received,
) => void | Promise<void>;

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
}

/** A server that answers every request with the same bytes, HTTP or not. */
export async function startRawServer(bytes: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  const url = await listen(server);
  return {
    url,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server | TcpServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function startServer(handler: Handler): Promise<TestServer> {
  const received: Received[] = [];
  // A client may send its next request just when the server closes the idle connection: not within a test.
  const server = createServer({ keepAliveTimeout: 300_000 }, async (request, response) => {
    response.on('error', () => {});
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const arrived = { method: request.method, path: request.url, headers: request.headers, body };
    received.push(arrived);
    await handler(response, received.length, arrived);
  });
  const url = await listen(server);
  return {
    url,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An answer as the API gives it: always status 200, the payload encrypted. */
export function envelope(payload: unknown): string {
  return JSON.stringify({
    code: 200,
    msg: 'success',
    data: encrypt(JSON.stringify(payload), credentials, 'base64'),
  });
}

/** Answers in turn; the last one again and again. */
export function answers(
  ...bodies: readonly (string | { status: number; body?: string; retryAfter?: string })[]
): Handler {
  return (response, attempt) => {
    const answer = bodies[Math.min(attempt, bodies.length) - 1] ?? '';
    const {
      status,
      body = '',
      retryAfter,
    } = typeof answer === 'string' ? { status: 200, body: answer } : { retryAfter: undefined, ...answer };
    response.statusCode = status;
    if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
    response.end(body);
  };
}

/** A client that is quick about repeating. */
export function clientFor(baseUrl: string, options: Partial<ApiClientOptions> = {}): ApiClient {
  return new ApiClient({
    baseUrl,
    dialect: dialectOf('v1'),
    credentials,
    clock: { now: () => now },
    retry: { attempts: 3, firstDelay: 4, longestDelay: 8 },
    timeout: 5000,
    ...options,
  });
}

/** What a call comes to: its failure and all attempts. */
export async function failureOf(
  client: ApiClient,
  context: Parameters<ApiClient['fetchMetrics']>[1] = {},
): Promise<{ failure: ApiFailure; attempts: Attempt[] }> {
  const attempts: Attempt[] = [];
  try {
    await client.fetchMetrics(question, { ...context, onAttempt: (attempt) => void attempts.push(attempt) });
  } catch (error) {
    if (error instanceof ApiFailure) return { failure: error, attempts };
    throw error;
  }
  throw new Error('the call was answered');
}
