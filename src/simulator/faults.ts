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
  /** HTTP 429 with or without `Retry-After`, or, as `body`, code 429 in an envelope with HTTP 200. */
  readonly throttle?: Fault & {
    readonly retryAfterSeconds?: number;
    readonly as?: 'status' | 'plain' | 'body';
  };
  /** HTTP 401 or 403 with a page for people, as a whitelist answers. */
  readonly forbidden?: Fault & { readonly status?: 401 | 403 };
  /** The connection breaks before the answer, or in its middle; drawn where neither is given. */
  readonly cutConnection?: Fault & { readonly at?: 'before' | 'halfway' };
  /** HTTP 200 with a body that is no JSON, or with a payload that cannot be decrypted; drawn where not given. */
  readonly garbage?: Fault & { readonly as?: 'text' | 'payload' };
  /** The answer is filled up with windows that were not asked for, and asked-for values fall out at the limit. */
  readonly cutShort?: Fault;
  /** Nothing is there of anything, as when the vendor's own database is ill. */
  readonly empty?: Fault & { readonly as?: EmptyForm };
  /** One value of the answer is a number that no metric has. */
  readonly absurd?: Fault & { readonly value?: AbsurdValue };
  /** One cell of the answer has a second value, which differs. */
  readonly twice?: Fault;
  /** An error whose words repeat what was sent. */
  readonly echo?: Fault;
  /** A byte order mark before the JSON. */
  readonly bom?: Fault;
  /** After the headers the body comes a byte at a time. */
  readonly drip?: Fault & { readonly milliseconds?: number };
  /** The answer comes late, whatever else befalls it. */
  readonly slow?: Fault & { readonly milliseconds?: number };
  /** A code in the envelope, 500 where none is given. */
  readonly unknownCode?: Fault & { readonly code?: number };
}

export const emptyForms = ['list', 'nothing', '203', 'null', 'absent'] as const;
export type EmptyForm = (typeof emptyForms)[number];

/** As they are written in an answer. */
export const absurdValues = ['1.7e308', '1e400', '12345678901234567890'] as const;
export type AbsurdValue = (typeof absurdValues)[number];

interface Fault {
  /** Share of the requests that meet the fault, 0 to 1. */
  readonly probability: number;
}

/** In the order in which they win when a request draws several. */
const exclusive = [
  'cutConnection',
  'forbidden',
  'error500',
  'error503',
  'throttle',
  'garbage',
  'unknownCode',
  'echo',
  'empty',
  'cutShort',
  'absurd',
  'twice',
  'bom',
  'drip',
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

interface FaultDescription {
  readonly means: string;
  /** What may stand before `@`, for people; empty where nothing may. */
  readonly details: string;
  /** Reads that; `undefined` where it means nothing. */
  readonly read: (text: string) => object | undefined;
}

const amountOf = (text: string) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

const amountAs = (field: string) => (text: string) => {
  const amount = amountOf(text);
  return amount === undefined ? undefined : { [field]: amount };
};

const choiceAs = (field: string, choices: readonly string[]) => (text: string) =>
  choices.includes(text) ? { [field]: text } : undefined;

const nothing = () => undefined;

const descriptions: Readonly<Record<FaultKind, FaultDescription>> = {
  cutConnection: {
    means: 'the connection breaks',
    details: 'before|halfway',
    read: choiceAs('at', ['before', 'halfway']),
  },
  forbidden: {
    means: 'HTTP 401 or 403 and a page for people, as from a whitelist',
    details: '401|403',
    read: (text) => (text === '401' || text === '403' ? { status: Number(text) } : undefined),
  },
  error500: { means: 'HTTP 500', details: '', read: nothing },
  error503: { means: 'HTTP 503', details: '', read: nothing },
  throttle: {
    means: 'HTTP 429 with Retry-After; plain: without; body: code 429',
    details: 'SECONDS|plain|body',
    read: (text) => amountAs('retryAfterSeconds')(text) ?? choiceAs('as', ['plain', 'body'])(text),
  },
  garbage: {
    means: 'no JSON, or a payload that cannot be decrypted',
    details: 'text|payload',
    read: choiceAs('as', ['text', 'payload']),
  },
  unknownCode: { means: 'this code in the envelope', details: 'CODE', read: amountAs('code') },
  echo: { means: 'an error that repeats what was sent', details: '', read: nothing },
  empty: {
    means: 'nothing is there of anything',
    details: emptyForms.join('|'),
    read: choiceAs('as', emptyForms),
  },
  cutShort: { means: 'windows that nobody asked for push out others', details: '', read: nothing },
  absurd: {
    means: 'one value that no metric has',
    details: absurdValues.join('|'),
    read: choiceAs('value', absurdValues),
  },
  twice: { means: 'a second value for one cell', details: '', read: nothing },
  bom: { means: 'a byte order mark before the JSON', details: '', read: nothing },
  drip: {
    means: 'the body a byte at a time, every 100 ms',
    details: 'MILLISECONDS',
    read: amountAs('milliseconds'),
  },
  slow: { means: 'the answer comes late', details: 'MILLISECONDS', read: amountAs('milliseconds') },
};

/** Every fault with its details, one a line, for people. */
export function describeFaults(): readonly (readonly [form: string, means: string])[] {
  return faultKinds.map((kind) => {
    const { details, means } = descriptions[kind];
    return [`${kind}=${details === '' ? '' : `[${details}@]`}P`, means];
  });
}

/**
 * Reads faults from a text such as `error500=0.1,cutConnection=halfway@0.05,slow=2000@0.1`: name, `=`, an optional
 * detail with `@`, and the probability. {@link describeFaults} lists the details.
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
  const detail = descriptions[kind].read(text);
  if (detail === undefined) throw new RangeError(`fault "${part}": "${text}" means nothing for ${kind}`);
  return detail;
}
