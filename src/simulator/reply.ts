import type { JsonObject } from './refusal.ts';

/** One answer, ready to be sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Code in the envelope, where there is one. */
  readonly code?: number;
  readonly records: number;
  /** Where the connection breaks, if it does. */
  readonly cut?: 'before' | 'halfway';
  /** Milliseconds between any two bytes of the body, where they come one by one. */
  readonly drip?: number;
}

/** @param text the envelope, as JSON */
export function envelope(code: number, text: string, records = 0): Reply {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json;charset=UTF-8' },
    body: text,
    code,
    records,
  };
}

/** An answer as a gateway in front of the API gives it: a page for people. */
export function page(status: number): Reply {
  return {
    status,
    headers: { 'Content-Type': 'text/html' },
    body: `<html><body><h1>HTTP ${status}</h1></body></html>\n`,
    records: 0,
  };
}

/**
 * HTTP 429.
 *
 * @param retryAfter seconds, or `undefined` for an answer that does not say how long
 */
export function throttled(retryAfter: number | undefined, content: JsonObject): Reply {
  const reply = envelope(429, JSON.stringify(content));
  const headers = retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) };
  return { ...reply, status: 429, headers: { ...reply.headers, ...headers } };
}
