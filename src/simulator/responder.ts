import type { ApiVersion } from '../catalog/index.ts';
import { type Answer, answerQuery, emptyAnswer } from './answer.ts';
import type { Behaviour } from './behaviour.ts';
import { coinList } from './coin-list.ts';
import type { Door } from './door.ts';
import type { Faults, Mishap } from './faults.ts';
import type { Market } from './market.ts';
import { spoil } from './mischief.ts';
import { readQuery } from './query.ts';
import { type JsonObject, Refusal } from './refusal.ts';
import { envelope, page, type Reply, throttled } from './reply.ts';
import type { Call } from './settings.ts';

/** What the answers depend on. */
export interface World {
  readonly version: ApiVersion;
  readonly market: Market;
  readonly door: Door;
  readonly behaviour: Behaviour;
  readonly faults: Faults;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A request as it arrived. */
export interface Received {
  readonly call: Call;
  /** The business parameters, or why the envelope was refused. */
  readonly opened: JsonObject | Refusal;
  /** Headers and body as they came, for the fault that repeats them. */
  readonly sent: string;
}

/** Answers one request, well or, where the mishap says so, badly. */
export function respond(received: Received, world: World, mishap: Mishap): Reply {
  return (
    beforeAnswer(received, world, mishap) ?? withDelivery(answer(received, world, mishap), world, mishap)
  );
}

/** What is sent in place of an answer; `undefined` where there is to be one. */
function beforeAnswer(received: Received, world: World, mishap: Mishap): Reply | undefined {
  const { faults } = world;
  switch (mishap.fault) {
    case 'cutConnection': {
      const at = faults.cutConnection?.at ?? (mishap.chance < 0.5 ? 'before' : 'halfway');
      return at === 'before' ? { ...page(0), cut: at } : undefined;
    }
    case 'forbidden':
      return page(faults.forbidden?.status ?? 403);
    case 'error500':
      return page(500);
    case 'error503':
      return page(503);
    case 'throttle':
      return throttle(world);
    case 'garbage': {
      const as = faults.garbage?.as ?? (mishap.chance < 0.5 ? 'text' : 'payload');
      return as === 'text' ? { ...page(503), status: 200 } : envelope(200, world.door.undecryptable());
    }
    case 'unknownCode':
      return refuse(new Refusal(faults.unknownCode?.code ?? 500, 'system error'), world);
    case 'echo':
      return refuse(new Refusal(500, `cannot handle ${received.sent}`), world);
    default:
      return undefined;
  }
}

function throttle(world: World): Reply {
  const { as = 'status', retryAfterSeconds = 1 } = world.faults.throttle ?? {};
  if (as === 'body') return refuse(new Refusal(429, tooMany), world);
  return tooManyRequests(world.behaviour, as === 'plain' ? undefined : retryAfterSeconds);
}

const tooMany = 'too many requests';

/** HTTP 429. @param retryAfter seconds; `undefined` where the answer does not say */
export function tooManyRequests({ messageField }: Behaviour, retryAfter: number | undefined): Reply {
  return throttled(retryAfter, { code: 429, [messageField]: tooMany });
}

/** What happens to an answer on its way. */
function withDelivery(reply: Reply, { faults }: World, { fault }: Mishap): Reply {
  if (fault === 'cutConnection') return { ...reply, cut: 'halfway' };
  if (fault === 'drip') return { ...reply, drip: faults.drip?.milliseconds ?? 100 };
  if (fault === 'bom') return { ...reply, body: `\uFEFF${reply.body}` };
  return reply;
}

function answer(received: Received, world: World, mishap: Mishap): Reply {
  const { behaviour, door } = world;
  if (received.call === 'coin/list' && behaviour.coinListFails) return page(404);
  if (received.opened instanceof Refusal) return refuse(received.opened, world);
  try {
    const { payload, records } =
      received.call === 'endpoint'
        ? answerMetrics(received.opened, world, mishap)
        : { payload: coinList(world.market, behaviour), records: 0 };
    return envelope(200, door.answer(200, 'success', payload), records);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return envelope(error.code, door.answer(error.code, error.message, undefined));
  }
}

/** A refusal of the envelope itself: it never stands within a payload. */
function refuse({ code, message }: Refusal, { door }: World): Reply {
  return envelope(code, door.refusal(code, message));
}

function answerMetrics(business: JsonObject, world: World, mishap: Mishap) {
  const { market, behaviour, faults, now } = world;
  const query = readQuery(business, world);
  if (mishap.fault === 'empty') {
    return emptyAnswer(query, { ...behaviour, emptyAnswer: faults.empty?.as ?? 'list' });
  }
  const surplus = mishap.fault === 'cutShort' ? 1 + Math.floor(mishap.chance * 50) : undefined;
  const found: Answer = answerQuery(query, { market, behaviour, now, chance: mishap.chance }, surplus);
  return { ...found, payload: spoil(found.payload, behaviour.windowsField, faults, mishap) };
}
