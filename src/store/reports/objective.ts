import type { Granularity } from '../../catalog/index.ts';
import { isQuiet } from './freshness.ts';
import { completeness, type GranularityStatus, type Status } from './status.ts';

/** Whether everything is as fresh and as full as a team has promised; pure. */

export interface Objective {
  /** Most windows that the newest stored one may lie behind the newest one that is due. */
  readonly maxBehind: number;
  /** Least share of the wanted cells that the API must have answered, 0 to 1. */
  readonly minComplete: number;
}

/** One way in which the objective is missed. */
export type Miss =
  | { readonly kind: 'access-refused'; readonly reason: string }
  | { readonly kind: 'nothing-stored'; readonly granularity: Granularity }
  | { readonly kind: 'behind'; readonly granularity: Granularity; readonly windows: number }
  | {
      readonly kind: 'quiet';
      readonly granularity: Granularity;
      readonly tokens: number;
      readonly usual: number;
    }
  | { readonly kind: 'incomplete'; readonly granularity: Granularity; readonly share: number };

/** The ways in which the objective is missed, the worst of each granularity first; none where all is well. */
export function missesOf(status: Status, objective: Objective): readonly Miss[] {
  const refused = status.accessRefused;
  return [
    ...(refused === undefined ? [] : [{ kind: 'access-refused', reason: refused.reason } as const]),
    ...status.granularities.flatMap((part) => missesWithin(part, objective)),
  ];
}

function missesWithin(part: GranularityStatus, { maxBehind, minComplete }: Objective): Miss[] {
  const { granularity, newestDue, newestStored, windowsBehind = 0, tokens } = part;
  if (newestDue === undefined) return [];
  const misses: Miss[] = [];
  if (newestStored === undefined) misses.push({ kind: 'nothing-stored', granularity });
  else if (windowsBehind > maxBehind) misses.push({ kind: 'behind', granularity, windows: windowsBehind });
  if (tokens?.usual !== undefined && isQuiet(tokens)) {
    misses.push({ kind: 'quiet', granularity, tokens: tokens.tokens, usual: tokens.usual });
  }
  const share = completeness(part);
  if (share !== undefined && share < minComplete) misses.push({ kind: 'incomplete', granularity, share });
  return misses;
}

/** A miss as a person reads it. */
export function describeMiss(miss: Miss): string {
  const count = (number: number, unit: string) =>
    `${number.toLocaleString('en-US')} ${unit}${number === 1 ? '' : 's'}`;
  switch (miss.kind) {
    case 'access-refused':
      return `the API refuses access: ${miss.reason}`;
    case 'nothing-stored':
      return `no ${miss.granularity} value was ever stored`;
    case 'behind':
      return `the newest ${miss.granularity} window is ${count(miss.windows, 'window')} behind`;
    case 'quiet':
      return `${count(miss.tokens, 'token')} of usually ${miss.usual.toLocaleString('en-US')} have a value in the newest ${miss.granularity} window`;
    case 'incomplete':
      return `${(miss.share * 100).toFixed(1)}% of the ${miss.granularity} values are answered`;
  }
}
