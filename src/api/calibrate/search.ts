import { type ApiVersion, apiVersions } from '../../catalog/index.ts';
import { defaultWireProfile, type WireProfile, wireProfileSchema } from '../dialects/index.ts';
import { plain, variantsFor } from './variants.ts';
import type { Verdict } from './verdict.ts';

/**
 * The search for how the API is dressed. It calls nothing: it says what to try next, and is told what came of it.
 *
 * The code of an answer is an oracle: it names what was found wrong first. So the dimensions are searched one after
 * another, and not all their products.
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

/** Most variants on top of one another. */
const deepest = 3;

/** The parts that can be wrong, in the order in which most servers look. */
const order = ['key', 'signature', 'parameters'] as const;

type Wrong = (typeof order)[number];

const isWrong = (verdict: Verdict): verdict is Wrong => (order as readonly Verdict[]).includes(verdict);

function* searchV1({ hasSecrets, wire = defaultWireProfile }: KnownBefore): Search {
  const tried = new Set<string>();
  const starts = hasSecrets ? [wire, defaultWireProfile] : [merged(defaultWireProfile, plain)];
  for (const start of starts) {
    if (start === undefined || !isNew(start, tried)) continue;
    const verdict = yield { version: 'v1', wire: start };
    if (verdict === 'granted') return { version: 'v1', wire: start };
    if (verdict === 'unserved') return undefined;
    if (!hasSecrets || !isWrong(verdict)) continue;
    const found = yield* explore(start, verdict, 1, tried);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Tries the variants for what is wrong, and goes on from those that brought the API to find something else wrong. */
function* explore(base: WireProfile, wrong: Wrong, depth: number, tried: Set<string>): Search {
  const later: { readonly wire: WireProfile; readonly verdict: Wrong }[] = [];
  for (const variant of variantsFor[wrong]) {
    const wire = merged(base, variant);
    if (wire === undefined || !isNew(wire, tried)) continue;
    const verdict = yield { version: 'v1', wire };
    if (verdict === 'granted') return { version: 'v1', wire };
    // Where nothing is sealed there is nothing left to vary.
    if (!isWrong(verdict) || verdict === wrong || wire.ciphertext === 'none') continue;
    const isFurther = order.indexOf(verdict) > order.indexOf(wrong);
    if (!isFurther) later.push({ wire, verdict });
    else if (depth < deepest) {
      const found = yield* explore(wire, verdict, depth + 1, tried);
      if (found !== undefined) return found;
    }
  }
  // A parameter may be what is looked at first: then the key or the signature is what comes after it.
  for (const { wire, verdict } of wrong === 'parameters' && depth < deepest ? later : []) {
    const found = yield* explore(wire, verdict, depth + 1, tried);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @returns `undefined` where the two contradict each other */
function merged(base: WireProfile, variant: Partial<WireProfile>): WireProfile | undefined {
  const parsed = wireProfileSchema.safeParse({ ...base, ...variant });
  return parsed.success ? parsed.data : undefined;
}

function isNew(wire: WireProfile, tried: Set<string>): boolean {
  const text = JSON.stringify(wire, Object.keys(wire).sort());
  if (tried.has(text)) return false;
  tried.add(text);
  return true;
}

/** The fields of a profile that are unlike the default. */
export function differences(wire: WireProfile): Partial<WireProfile> {
  const entries = Object.entries(wire).filter(
    ([name, value]) => value !== (defaultWireProfile as Readonly<Record<string, unknown>>)[name],
  );
  return Object.fromEntries(entries);
}
