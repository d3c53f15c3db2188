import { signal } from '@preact/signals';
import type { Session } from '../server/api/types.ts';
import { first } from './first.ts';

/** How the page speaks with its server: questions, and news while it is open. */

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What the server says is wrong. */
export class Refusal extends Error {
  readonly status: number;
  /** What helps, where the server says so. */
  readonly remedy: string | undefined;

  constructor(status: number, message: string, remedy?: string) {
    super(message);
    this.status = status;
    this.remedy = remedy;
  }
}

export function address(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)] as [string, string]],
  );
  const text = new URLSearchParams(given).toString();
  return `/api/v1${path}${text === '' ? '' : `?${text}`}`;
}

const early = new Map<string, Promise<unknown>>();

/** Asks before the view is there that shows the answer: it saves the time until then. */
export function askEarly(path: string): void {
  const answer = ask<unknown>(path);
  answer.catch(() => {});
  early.set(address(path), answer);
}

/** @throws Refusal */
export async function ask<T>(path: string, query?: Query, cancelled?: AbortSignal): Promise<T> {
  const asked = early.get(address(path, query));
  if (asked !== undefined) {
    early.delete(address(path, query));
    return asked as Promise<T>;
  }
  return read<T>(await send(address(path, query), cancelled === undefined ? {} : { signal: cancelled }));
}

/** @throws Refusal */
export async function write<T>(path: string, body: object = {}): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return read<T>(await send(`/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refusal(0, 'The server does not answer. See that the program is running.');
  }
}

async function read<T>(answer: Response): Promise<T> {
  if (answer.status === 401) {
    location.assign('/sign-in');
    throw new Refusal(401, 'You are signed out.');
  }
  const body: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) return body as T;
  const said = textOf(body, 'error') ?? `the server answers with ${answer.status}`;
  throw new Refusal(answer.status, sentence(said), textOf(body, 'remedy'));
}

function textOf(body: unknown, name: 'error' | 'remedy'): string | undefined {
  const text = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  return typeof text === 'string' ? text : undefined;
}

const sentence = (text: string) =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

export const session = signal<Session | undefined>(first.session);

export const mayWrite = () => session.value?.access === 'write';

/** Whether news come in. */
export const isLive = signal<boolean | undefined>(undefined);

/** Grows whenever something may have changed: views that show it ask again. */
export const newsCount = signal(0);

export function listen(): void {
  const source = new EventSource('/api/v1/live');
  const tell = () => {
    isLive.value = true;
    if (document.visibilityState === 'visible') newsCount.value++;
  };
  source.addEventListener('open', () => {
    // What was asked when the page was opened is fresh; only a connection that was lost may have missed something.
    const isFirst = isLive.value === undefined;
    isLive.value = true;
    if (!isFirst) tell();
  });
  source.addEventListener('stored', tell);
  source.addEventListener('tick', tell);
  source.addEventListener('error', () => {
    isLive.value = false;
  });
  document.addEventListener('visibilitychange', tell);
}
