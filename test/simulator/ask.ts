import { decrypt, formOf } from '../../src/api/dialects/cipher.ts';
import {
  defaultWireProfile,
  type SealedCredentials,
  type WireProfile,
} from '../../src/api/dialects/index.ts';
import { seal } from '../../src/api/dialects/seal.ts';
import { parseBeijing } from '../../src/beijing.ts';
import type { Clock } from '../../src/clock.ts';
import { type Simulator, sampleCredentials } from '../../src/simulator/index.ts';

export interface AnsweredValue {
  readonly endpoint: string;
  readonly value: unknown;
}

export interface AnsweredWindow {
  readonly startTime: string;
  readonly endTime: string;
  readonly data: readonly AnsweredValue[];
}

export interface AnsweredToken {
  readonly token: string;
  readonly startTime: string;
  readonly endTime: string;
  readonly timeType: string;
  readonly endPoints: readonly AnsweredWindow[];
  readonly tags: readonly Record<string, unknown>[];
  readonly [field: string]: unknown;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `undefined` where the body was no JSON. */
  readonly code: number | undefined;
  readonly msg: string;
  readonly payload: unknown;
}

export interface AskOptions {
  readonly wire?: WireProfile;
  readonly credentials?: SealedCredentials;
  readonly now?: number;
  readonly path?: string;
}

export function beijing(text: string): number {
  const instant = parseBeijing(text);
  if (instant === undefined) throw new RangeError(`not a time: ${text}`);
  return instant;
}

/** A clock that stands still until told. */
export class StoppedClock implements Clock {
  instant: number;

  constructor(instant: number) {
    this.instant = instant;
  }

  now(): number {
    return this.instant;
  }
}

export function business(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    token: ['BTC'],
    startTime: '2025-06-01 00:00:00',
    endTime: '2025-06-01 04:00:00',
    timeType: '1h',
    endpoints: ['CO-A-01-05'],
    tags: [],
    ...changes,
  };
}

/** Sends a body as it is. */
export async function post(
  simulator: Simulator,
  body: string,
  path = '/v1/endpoint',
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const response = await fetch(simulator.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });
  const text = await response.text();
  const envelope = parse(text);
  return {
    status: response.status,
    headers: response.headers,
    text,
    code: typeof envelope.code === 'number' ? envelope.code : undefined,
    msg: String(envelope.msg ?? ''),
    payload: envelope,
  };
}

/** Seals the business parameters, sends them, and opens the answer's payload. */
export async function ask(
  simulator: Simulator,
  parameters: Record<string, unknown>,
  options: AskOptions = {},
): Promise<Answered> {
  const { wire = defaultWireProfile, credentials = sampleCredentials, now = Date.now() } = options;
  const { body, headers } = seal(parameters, credentials, wire, { now, nonce: '0001' });
  const answered = await post(simulator, JSON.stringify(body), options.path, headers);
  const field = parse(answered.text)[wire.payload];
  const payload = typeof field === 'string' ? JSON.parse(decrypt(field, credentials, formOf(field))) : field;
  return { ...answered, payload };
}

/** The answer's token objects; fails where it has none. */
export async function askList(
  simulator: Simulator,
  changes: Record<string, unknown> = {},
  options: AskOptions = {},
): Promise<AnsweredToken[]> {
  const answered = await ask(simulator, business(changes), options);
  if (!Array.isArray(answered.payload)) throw new Error(`no list but code ${answered.code}: ${answered.msg}`);
  return answered.payload as AnsweredToken[];
}

/** All values of an answer. */
export function valuesOf(list: readonly AnsweredToken[]): unknown[] {
  return list.flatMap(({ endPoints }) => endPoints.flatMap(({ data }) => data.map(({ value }) => value)));
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
