import type { Instant } from '../../time.ts';
import type { WireProfile } from '../dialects/index.ts';
import { type Ask, FactFinder, type FoundFacts, probingQuestion } from './facts.ts';
import { differences, type KnownBefore, type Probe, search } from './search.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** There may be no more calls. */
export class CallsSpent extends Error {
  override readonly name = 'CallsSpent';
}

/** The findings of a calibration. */
export interface Calibration {
  /** How the API is dressed; `undefined` where nothing was granted access. */
  readonly found: Probe | undefined;
  readonly facts: FoundFacts;
  /** Whether the calls were spent before everything was looked for. */
  readonly isCutOff: boolean;
  /** How often each verdict was given in the search. */
  readonly verdicts: ReadonlyMap<Verdict, number>;
}

/** How often a call that tells nothing is made in all. */
const attempts = 3;

/**
 * Searches for how the API is dressed, then for what its pages leave open.
 *
 */
export async function calibrate(known: KnownBefore, ask: Ask, now: Instant): Promise<Calibration> {
  const verdicts = new Map<Verdict, number>();
  let facts: FoundFacts = {};
  let found: Probe | undefined;
  try {
    found = await findDress(known, ask, now, verdicts);
    if (found === undefined) return { found, facts, isCutOff: false, verdicts };
    const finder = new FactFinder(ask, now, found);
    await finder
      .lookFor((more) => {
        facts = { ...facts, ...more };
      })
      .finally(() => {
        found = finder.probe;
      });
    return { found, facts, isCutOff: false, verdicts };
  } catch (error) {
    if (error instanceof CallsSpent) return { found, facts, isCutOff: true, verdicts };
    throw error;
  }
}

async function findDress(
  known: KnownBefore,
  ask: Ask,
  now: Instant,
  verdicts: Map<Verdict, number>,
): Promise<Probe | undefined> {
  const steps = search(known);
  let step = steps.next('unknown');
  while (step.done !== true) {
    const verdict = await judge(step.value, ask, now);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    step = steps.next(verdict);
  }
  return step.value;
}

async function judge(probe: Probe, ask: Ask, now: Instant): Promise<Verdict> {
  for (let made = 1; ; made++) {
    const { failure } = await ask(probe, probingQuestion(now, probe), describeProbe(probe));
    const verdict = verdictOf(failure);
    if (verdict !== 'unknown' || made === attempts) return verdict;
  }
}

/** The version, and for v1 what is unlike the default. */
export function describeProbe({ version, wire }: Probe): string {
  const changes = Object.entries(differences(wire)).map(([name, value]) => `${name} ${value}`);
  return version === 'v1' && changes.length > 0 ? `v1, ${changes.join(', ')}` : version;
}

/** Settings that say what was found; names and values as they stand in `.env`. */
export function settingsOf({ found, facts }: Calibration): Readonly<Record<string, string>> {
  if (found === undefined) return {};
  const wire: Partial<WireProfile> = differences(found.wire);
  return {
    CRYPTORACLE_API_VERSION: found.version,
    ...(found.version === 'v1' ? { CRYPTORACLE_WIRE: JSON.stringify(wire) } : {}),
    ...(facts.record_limit === undefined ? {} : { RECORD_LIMIT: String(facts.record_limit) }),
    ...(facts.record_unit === undefined ? {} : { RECORD_UNIT: facts.record_unit }),
    ...(facts.day_start === undefined ? {} : { DAY_START: facts.day_start }),
  };
}
