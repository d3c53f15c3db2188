import { encrypt } from '../api/dialects/cipher.ts';
import type { Credentials, WireProfile } from '../api/dialects/wire.ts';
import { answerQuery } from './answer.ts';
import type { Faults, Mishap } from './faults.ts';
import type { Market } from './market.ts';
import { readQuery } from './query.ts';
import { type JsonObject, Refusal } from './refusal.ts';
import type { Behaviour, Call } from './settings.ts';

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
}

/** What the answers depend on. */
export interface World {
  readonly market: Market;
  readonly credentials: Credentials;
  readonly wire: WireProfile;
  readonly behaviour: Behaviour;
  readonly faults: Faults;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Answers one request, well or, where the mishap says so, badly.
 *
 * @param opened the business parameters, or why the envelope was refused
 */
export function respond(call: Call, opened: JsonObject | Refusal, world: World, mishap: Mishap): Reply {
  const { faults, wire } = world;
  switch (mishap.fault) {
    case undefined:
      return answer(call, opened, world);
    case 'cutShort':
      return answer(call, opened, world, 1 + Math.floor(mishap.chance * 50));
    case 'cutConnection': {
      const cut = faults.cutConnection?.at ?? (mishap.chance < 0.5 ? 'before' : 'halfway');
      return cut === 'halfway' ? { ...answer(call, opened, world), cut } : { ...page(0), cut };
    }
    case 'error500':
      return page(500);
    case 'error503':
      return page(503);
    case 'throttle':
      return throttled(faults.throttle?.retryAfterSeconds ?? 1, faults.throttle?.as);
    case 'garbage': {
      const as = faults.garbage?.as ?? (mishap.chance < 0.5 ? 'text' : 'payload');
      return as === 'text' ? { ...page(503), status: 200 } : undecryptable(wire);
    }
    case 'unknownCode':
      return envelope({ code: faults.unknownCode?.code ?? 500, msg: 'system error' });
  }
}

/** @param as whether the HTTP status tells, or only the code in the envelope */
export function throttled(retryAfterSeconds: number, as: 'status' | 'body' = 'status'): Reply {
  const reply = envelope({ code: 429, msg: 'too many requests' });
  if (as === 'body') return reply;
  return {
    ...reply,
    status: 429,
    headers: { ...reply.headers, 'Retry-After': String(retryAfterSeconds) },
  };
}

function answer(call: Call, opened: JsonObject | Refusal, world: World, surplus?: number): Reply {
  const { credentials, wire, behaviour } = world;
  if (call === 'coin/list' && behaviour.coinListFails) return page(404);
  try {
    if (opened instanceof Refusal) throw opened;
    const { list, records } =
      call === 'endpoint'
        ? answerMetrics(opened, world, surplus)
        : { list: coinList(world.market, behaviour), records: 0 };
    const payload =
      behaviour.payloadAs === 'plain' ? list : encrypt(JSON.stringify(list), credentials, wire.ciphertext);
    return envelope({ code: 200, msg: 'success', [wire.payload]: payload }, records);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return envelope({ code: error.code, msg: error.message });
  }
}

function answerMetrics(business: JsonObject, { market, behaviour, now }: World, surplus: number | undefined) {
  const query = readQuery(business, market, behaviour);
  return answerQuery(query, market, behaviour, now, surplus);
}

function coinList(market: Market, behaviour: Behaviour): readonly unknown[] {
  if (behaviour.refusedEndpoints.has('coin/list')) throw new Refusal(204, 'no access to coin/list');
  return behaviour.coinListShape === 'strings' ? market.tokens.map(({ token }) => token) : market.tokens;
}

function envelope(content: JsonObject & { readonly code: number }, records = 0): Reply {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json;charset=UTF-8' },
    body: JSON.stringify(content),
    code: content.code,
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

/** Three blocks of anything: the right length for a ciphertext, but without valid padding. */
function undecryptable(wire: WireProfile): Reply {
  const payload = Buffer.alloc(48, 'garbage').toString(wire.ciphertext);
  return envelope({ code: 200, msg: 'success', [wire.payload]: payload });
}
