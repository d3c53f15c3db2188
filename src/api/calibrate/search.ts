import { type ApiVersion, apiVersions } from '../../catalog/index.ts';
import { defaultWireProfile, type WireProfile } from '../dialects/index.ts';
import { isPossible, type Order, orders, plain, verdictBetween, waysToDress } from './hypotheses.ts';
import type { Verdict } from './verdict.ts';

/**
 * The search for how the API is dressed. It calls nothing: it says what to try next, and is told what came of it.
 *
 * The code of an answer is an oracle: it names what was found wrong first. So each answer speaks for some hypotheses and
 * against others, and the next call is the one whose answer tells most about those that are left.
 */

/** Something to try. */
export interface Probe {
  readonly version: ApiVersion;
  readonly wire: WireProfile;
}

export type Search = Generator<Probe, Probe | undefined, Verdict>;

export interface KnownBefore {
  /** Whether the three secrets of v1 are there. */
  readonly hasSecrets: boolean;
  /** The version that was chosen, if any. */
  readonly version?: ApiVersion | undefined;
  /** How v1 is dressed by the settings, if they say so. */
  readonly wire?: WireProfile | undefined;
}

/** @returns what was granted access; `undefined` where nothing was */
export function* search(known: KnownBefore): Search {
  const sealed = known.version === undefined ? known.hasSecrets : known.version === 'v1';
  if (sealed) return (yield* searchV1(known)) ?? (yield* searchPlain(known));
  return (yield* searchPlain(known)) ?? (yield* searchV1(known));
}

function* searchPlain({ version }: KnownBefore): Search {
  // The version of the settings first, then the newest.
  const versions = apiVersions
    .filter((each) => each !== 'v1')
    .toReversed()
    .sort((a, b) => Number(b === version) - Number(a === version));
  for (const each of versions) {
    const probe = { version: each, wire: defaultWireProfile };
    if ((yield probe) === 'granted') return probe;
  }
  return undefined;
}

/** Most calls to v1 in a search: what is not found by then, a sample of the vendor's would tell faster. */
const mostCalls = 48;

function* searchV1({ hasSecrets, wire = defaultWireProfile }: KnownBefore): Search {
  const belief = hasSecrets ? new Belief([wire, defaultWireProfile]) : undefined;
  let next = belief === undefined ? { ...defaultWireProfile, ...plain } : wire;
  for (let made = 1; ; made++) {
    const verdict = yield { version: 'v1', wire: next };
    if (verdict === 'granted') return { version: 'v1', wire: next };
    if (verdict === 'unserved' || belief === undefined || made === mostCalls) return undefined;
    const better = belief.learn(next, verdict).next();
    if (better === undefined) return undefined;
    next = better;
  }
}

interface Hypothesis {
  readonly wire: WireProfile;
  readonly order: Order;
  probability: number;
}

/** The share of a hypothesis's probability that is left where an answer speaks against it: servers have their quirks. */
const leftWhenContradicted = 0.02;

/** How many of the likeliest hypotheses are candidates for the next call, and how many it is weighed against. */
const candidates = 20;
const weighedAgainst = 800;

/** The probabilities of all hypotheses, as the answers leave them. */
class Belief {
  #hypotheses: Hypothesis[] = [];
  readonly #tried = new Set<string>();

  constructor(bases: readonly WireProfile[]) {
    for (const base of new Map(bases.map((each) => [nameOf(each), each])).values()) {
      for (const { wire, likelihood } of waysToDress(base)) {
        for (const order of orders) this.#hypotheses.push({ wire, order, probability: likelihood });
      }
    }
  }

  learn(call: WireProfile, verdict: Verdict): this {
    this.#tried.add(nameOf(call));
    if (verdict === 'unknown') return this;
    for (const each of this.#hypotheses) {
      if (verdictBetween(each.wire, call, each.order) !== verdict) each.probability *= leftWhenContradicted;
    }
    this.#hypotheses.sort((a, b) => b.probability - a.probability);
    return this;
  }

  /** The call whose answer tells most; `undefined` where everything was tried. */
  next(): WireProfile | undefined {
    const likely = this.#hypotheses.slice(0, weighedAgainst);
    let best: { wire: WireProfile; worth: number } | undefined;
    for (const wire of this.#candidates()) {
      const worth = informationOf(wire, likely);
      if (best === undefined || worth > best.worth) best = { wire, worth };
    }
    return best?.wire;
  }

  #candidates(): Iterable<WireProfile> {
    const found = new Map<string, WireProfile>();
    for (const { wire } of this.#hypotheses) {
      if (found.size === candidates) break;
      const name = nameOf(wire);
      if (!this.#tried.has(name) && !found.has(name) && isPossible(wire)) found.set(name, wire);
    }
    return found.values();
  }
}

/** How uncertain the answer to a call is, in bits: so much is known more afterwards. */
function informationOf(call: WireProfile, hypotheses: readonly Hypothesis[]): number {
  const sums = new Map<Verdict, number>();
  let total = 0;
  for (const { wire, order, probability } of hypotheses) {
    const verdict = verdictBetween(wire, call, order);
    sums.set(verdict, (sums.get(verdict) ?? 0) + probability);
    total += probability;
  }
  return [...sums.values()].reduce((bits, sum) => bits - (sum / total) * Math.log2(sum / total), 0);
}

/** A text that is the same for equal profiles. */
const nameOf = (wire: WireProfile) => JSON.stringify(wire, Object.keys(wire).sort());

/** The fields of a profile that are unlike the default. */
export function differences(wire: WireProfile): Partial<WireProfile> {
  const entries = Object.entries(wire).filter(
    ([name, value]) => value !== (defaultWireProfile as Readonly<Record<string, unknown>>)[name],
  );
  return Object.fromEntries(entries);
}
