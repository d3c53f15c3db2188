import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { decodeAnswer } from '../../src/api/decode.ts';
import { encrypt } from '../../src/api/dialects/cipher.ts';
import { defaultWireProfile, dialectOf, type WireProfile } from '../../src/api/dialects/index.ts';
import type { ApiFailure } from '../../src/api/failure.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { damagedBytes, mutated, pick, type Random, randomFrom } from '../support/mutations.ts';
import { type Answered, answered } from './answers.ts';
import { asFailure, wrongWith } from './invariants.ts';
import { clientFor, credentials, now, question } from './server.ts';

/** Replies that are damaged on the way, read as the client does, and some through the client itself. */

// A busy machine takes several times as long.
vi.setConfig({ testTimeout: 180_000 });

const codes = [200, 200, 200, 200, '200', 201, 203, 205, 403, 429, 500, -1, 2 ** 40, null] as const;
const words = [
  'success',
  '',
  `${Object.values(credentials)}`,
  'no\0\u001b[2Jpe',
  '\ud800',
  'x'.repeat(20_000),
];

interface Sent {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly bytes: Buffer;
}

/** An answer as it is sent, with damage on one of the ways: as text, as ciphertext, as envelope, as body. */
/** A wire profile that encrypts, in a form that Node knows. */
type Wire = WireProfile & { readonly ciphertext: 'base64' | 'hex' };

function send({ entries }: Answered, wire: Wire, seed: number): Sent {
  const random = randomFrom(seed);
  const next = () => Math.floor(random() * 2 ** 32);
  const level = pick(random, ['answer', 'text', 'ciphertext', 'envelope', 'body', 'none']);
  const answer = level === 'answer' ? mutated(entries, next()) : entries;
  const text = Buffer.from(JSON.stringify(answer) ?? '');
  const plaintext = level === 'text' ? damagedBytes(text, next()).toString('latin1') : text.toString();
  const envelope = {
    code: pick(random, codes),
    msg: pick(random, ['success', ...words]),
    [wire.payload]: random() < 0.2 ? answer : sealed(plaintext, wire, level === 'ciphertext', random),
  };
  const body = Buffer.from(JSON.stringify(level === 'envelope' ? mutated(envelope, next()) : envelope) ?? '');
  return {
    status: pick(random, [200, 200, 200, 201, 404, 429, 500, 503]),
    retryAfter: pick(random, [
      null,
      null,
      '3',
      '-1',
      '1e300',
      'soon',
      '0x7fffffff',
      'Fri, 31 Dec 9999 23:59:59 GMT',
    ]),
    bytes: level === 'body' ? damagedBytes(body, next()) : body,
  };
}

function sealed(plaintext: string, wire: Wire, isDamaged: boolean, random: Random): string {
  const text = encrypt(plaintext, credentials, wire.ciphertext);
  if (!isDamaged) return text;
  const seed = Math.floor(random() * 2 ** 32);
  return pick<() => string>(random, [
    () => damagedBytes(Buffer.from(text), seed).toString(),
    () => damagedBytes(Buffer.from(text, wire.ciphertext), seed).toString(wire.ciphertext),
    () => encrypt(plaintext, { ...credentials, dataSecret: 'another-16-bytes' }, wire.ciphertext),
    () => encrypt(plaintext, credentials, wire.ciphertext === 'hex' ? 'base64' : 'hex'),
  ])();
}

const wires = fc.record({
  payload: fc.constantFrom('data', 'param', 'constructor'),
  ciphertext: fc.constantFrom('base64', 'hex'),
});

/** A failure as failures are, that tells no secret. */
function expectSafe(error: unknown): ApiFailure {
  const failure = asFailure(error);
  for (const secret of Object.values(credentials)) {
    if (failure.message.includes(secret)) throw new Error(`a secret in: ${failure.message}`);
  }
  return failure;
}

describe('a damaged reply', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('comes to an answer, or to a failure of a known kind that tells no secret', () => {
    const outcomes = new Map<string, number>();
    fc.assert(
      fc.property(answered, wires, fc.integer(), (given, chosen, seed) => {
        const wire: Wire = { ...defaultWireProfile, ...chosen };
        const { status, retryAfter, bytes } = send(given, wire, seed);
        const reply = { status, retryAfter, body: bytes.toString('utf8') };
        let outcome: string;
        try {
          const answer = decodeAnswer(dialectOf('v1', wire).open(reply, credentials, now), given.asked);
          const wrong = wrongWith(given.asked, answer);
          if (wrong.length > 0) throw new Error(wrong.join('; '));
          outcome = answer.rejects.length > 0 ? 'with rejects' : 'sound';
        } catch (error) {
          outcome = expectSafe(error).kind;
        }
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }),
      { numRuns: fuzzRuns(1500) },
    );
    // The damage is of every kind.
    for (const count of outcomes.values()) expect(count).toBeGreaterThan(fuzzRuns(20));
    expect(outcomes.size).toBe(8);
  });

  it('is the same to the client itself, in whatever pieces it comes', async () => {
    const sizes = fc.integer({ min: 5, max: 2000 });
    await fc.assert(
      fc.asyncProperty(answered, wires, fc.integer(), sizes, async (given, chosen, seed, size) => {
        const wire: Wire = { ...defaultWireProfile, ...chosen };
        const { status, retryAfter, bytes } = send(given, wire, seed);
        const headers = new Headers(retryAfter === null ? {} : { 'Retry-After': retryAfter });
        const body = ReadableStream.from(pieces(bytes, size));
        vi.stubGlobal('fetch', async () => new Response(body, { status, headers }));
        const client = clientFor('http://nowhere', { dialect: dialectOf('v1', wire), retry });
        const reply = { status, retryAfter, body: bytes.toString('utf8') };
        expect(await outcomeOf(() => client.fetchMetrics(question))).toEqual(
          await outcomeOf(() => dialectOf('v1', wire).open(reply, credentials, now)),
        );
      }),
      { numRuns: fuzzRuns(500) },
    );
  });
});

const retry = { attempts: 1, firstDelay: 1, longestDelay: 1 };

function* pieces(bytes: Buffer, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield Uint8Array.from(bytes.subarray(at, at + size));
}

/** What a call gives, or how it fails. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return { answer: await call() };
  } catch (error) {
    const { kind, code, message, retryAfter } = expectSafe(error);
    return { kind, code, message, retryAfter };
  }
}
