import { encrypt } from '../api/dialects/cipher.ts';
import type { Credentials, WireProfile } from '../api/dialects/wire.ts';
import type { Behaviour } from './behaviour.ts';
import { writeJson } from './mischief.ts';
import { openRequest } from './protocol.ts';
import type { JsonObject } from './refusal.ts';

/** The API's side of a message: how a request is opened and an answer dressed. */
export interface Door {
  /** @throws Refusal with code 201, 202 or 403 */
  open(body: string, now: number): JsonObject;
  /** @param payload the answer's data; `undefined` where there are none */
  answer(code: number, words: string, payload: unknown): string;
  /** An answer that says no before any payload is looked at. */
  refusal(code: number, words: string): string;
  /** An answer whose payload nobody can read. */
  undecryptable(): string;
}

export function doorOf(credentials: Credentials, wire: WireProfile, behaviour: Behaviour): Door {
  const { messageField, innerEnvelope, payloadAs } = behaviour;
  const refusal = (code: number, words: string) => JSON.stringify({ code, [messageField]: words });
  const dressed = (code: number, words: string, payload: unknown) => {
    const outer = { code, [messageField]: words };
    if (payload === undefined || payload === null) return writeJson({ ...outer, [wire.payload]: payload });
    const sealed =
      payloadAs === 'plain' ? payload : encrypt(writeJson(payload), credentials, wire.ciphertext);
    return writeJson({ ...outer, [wire.payload]: sealed });
  };
  return {
    open: (body, now) => openRequest(body, credentials, wire, now),
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
        [wire.payload]: Buffer.alloc(48, 'garbage').toString(wire.ciphertext),
      }),
  };
}
