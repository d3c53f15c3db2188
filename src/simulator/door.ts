import type { Dialect, IncomingCall, SealedCredentials } from '../api/dialects/index.ts';
import type { Behaviour } from './behaviour.ts';
import { writeJson } from './mischief.ts';
import { openRequest } from './protocol.ts';
import type { JsonObject, Refusal } from './refusal.ts';

/** The API's side of a message: how a request is opened and an answer dressed. */
export interface Door {
  /** The business parameters, or a refusal with code 201, 202 or 403. */
  open(call: IncomingCall, now: number): JsonObject | Refusal;
  /** @param payload the answer's data; `undefined` where there are none */
  answer(code: number, words: string, payload: unknown): string;
  /** An answer that says no before any payload is looked at. */
  refusal(code: number, words: string): string;
  /** An answer whose payload nobody can read. */
  undecryptable(): string;
}

export function doorOf(credentials: SealedCredentials, dialect: Dialect, behaviour: Behaviour): Door {
  const { messageField, innerEnvelope, payloadAs } = behaviour;
  const { payload: name, seal } = dialect.server;
  const refusal = (code: number, words: string) => JSON.stringify({ code, [messageField]: words });
  const dressed = (code: number, words: string, payload: unknown) => {
    const outer = { code, [messageField]: words };
    if (payload === undefined || payload === null) return writeJson({ ...outer, [name]: payload });
    const isPlain = payloadAs === 'plain' || seal === undefined;
    return writeJson({ ...outer, [name]: isPlain ? payload : seal(writeJson(payload), credentials) });
  };
  return {
    open: (call, now) => openRequest(call, credentials, dialect, now),
    answer: (code, words, payload) =>
      innerEnvelope
        ? dressed(200, 'success', { code, [messageField]: words, data: payload })
        : dressed(code, words, payload),
    refusal,
    // Three blocks of anything: the right length for a ciphertext, but without valid padding.
    undecryptable: () =>
      JSON.stringify({
        code: 200,
        [messageField]: 'success',
        [name]: Buffer.alloc(48, 'garbage').toString('base64'),
      }),
  };
}
