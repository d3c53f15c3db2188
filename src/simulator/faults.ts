import { hash, hashText, uniform } from './hash.ts';

/**
 * Misbehaviour on request. Whether a request meets a fault depends only on the seed, the fault, and the request's
 * number, so a run with the same requests in the same order meets the same faults.
 */
export interface Faults {
  /** HTTP 500. */
  readonly error500?: Fault;
  /** HTTP 503. */
  readonly error503?: Fault;
  /** HTTP 429 with `Retry-After`, or, as `body`, code 429 in an envelope with HTTP 200. */
  readonly throttle?: Fault & { readonly retryAfterSeconds?: number; readonly as?: 'status' | 'body' };
  /** The connection breaks before the answer, or in its middle; drawn where neither is given. */
  readonly cutConnection?: Fault & { readonly at?: 'before' | 'halfway' };
  /** HTTP 200 with a body that is no JSON, or with a payload that cannot be decrypted; drawn where not given. */
  readonly garbage?: Fault & { readonly as?: 'text' | 'payload' };
  /** The answer is filled up with windows that were not asked for, and asked-for values fall out at the limit. */
  readonly cutShort?: Fault;
  /** The answer comes late, whatever else befalls it. */
  readonly slow?: Fault & { readonly milliseconds?: number };
  /** A code in the envelope that the API page does not know. */
  readonly unknownCode?: Fault & { readonly code?: number };
}

interface Fault {
  /** Share of the requests that meet the fault, 0 to 1. */
  readonly probability: number;
}

/** In the order in which they win when a request draws several. */
const exclusive = [
  'cutConnection',
  'error500',
  'error503',
  'throttle',
  'garbage',
  'unknownCode',
  'cutShort',
] as const;

export const faultKinds = [...exclusive, 'slow'] as const;

export type FaultKind = (typeof faultKinds)[number];

/** What befalls one request. */
export interface Mishap {
  readonly fault: (typeof exclusive)[number] | undefined;
  /** Milliseconds before the answer. */
  readonly delay: number;
  /** A number in [0, 1) for whatever the fault leaves to chance. */
  readonly chance: number;
}

/** @param number the request's number, from 1 */
export function drawMishap(faults: Faults, seed: number, number: number): Mishap {
  const draw = (kind: string) => uniform(hash(hashText(seed, kind), number));
  const meets = (kind: FaultKind) => draw(kind) < (faults[kind]?.probability ?? 0);
  return {
    fault: exclusive.find(meets),
    delay: meets('slow') ? (faults.slow?.milliseconds ?? 1_000) : 0,
    chance: draw('chance'),
  };
}

/**
 * Reads faults from a text such as `error500=0.1,cutConnection=halfway@0.05,slow=2000@0.1`: name, `=`, an optional
 * detail with `@`, and the probability. Details: `slow` milliseconds, `throttle` seconds or `body`, `unknownCode` the
 * code, `cutConnection` `before` or `halfway`, `garbage` `text` or `payload`.
 *
 * @throws RangeError naming the part that is wrong
 */
export function parseFaults(text: string): Faults {
  const faults: Record<string, Fault> = {};
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [name = '', value, ...rest] = part.split('=').map((each) => each.trim());
    const kind = faultKinds.find((known) => known === name);
    if (kind === undefined) {
      throw new RangeError(`fault "${part}": "${name}" is none of ${faultKinds.join(', ')}`);
    }
    if (value === undefined || rest.length > 0) throw new RangeError(`fault "${part}": not name=probability`);
    if (kind in faults) throw new RangeError(`fault "${part}": ${kind} is given twice`);
    const at = value.lastIndexOf('@');
    const probability = readProbability(value.slice(at + 1), part);
    const detail = at === -1 ? {} : readDetail(kind, value.slice(0, at), part);
    faults[kind] = { probability, ...detail };
  }
  return faults;
}

function readProbability(text: string, part: string): number {
  const probability = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(`fault "${part}": the probability "${text}" is not a number from 0 to 1`);
  }
  return probability;
}

function readDetail(kind: FaultKind, text: string, part: string): object {
  const amount = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  if (kind === 'slow' && amount !== undefined) return { milliseconds: amount };
  if (kind === 'throttle' && amount !== undefined) return { retryAfterSeconds: amount };
  if (kind === 'throttle' && text === 'body') return { as: text };
  if (kind === 'unknownCode' && amount !== undefined) return { code: amount };
  if (kind === 'cutConnection' && (text === 'before' || text === 'halfway')) return { at: text };
  if (kind === 'garbage' && (text === 'text' || text === 'payload')) return { as: text };
  throw new RangeError(`fault "${part}": "${text}" means nothing for ${kind}`);
}
