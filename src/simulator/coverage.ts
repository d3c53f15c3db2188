import { type Granularity, granularities } from '../catalog/index.ts';
import { hash, uniform } from './hash.ts';

/**
 * How the granularities that a token has are decided.
 * - `tiers`, as the vendor's page of v2.1 says: BTC and ETH all four, a broad tier 1h, 4h and 1d, the rest 4h and 1d.
 * - `wide`: all four for the tokens at the top of the list, fewer for some below.
 */
export const coverages = ['tiers', 'wide'] as const;

export type Coverage = (typeof coverages)[number];

/** Places in the list down to which a token is in the broad tier; among them all that were seen there. */
const broadTier = 40;

/**
 * @param index the token's place in the list, from 0
 * @param key stands for the token
 * @param completeTokens for `wide`: how many tokens from the top have everything
 */
export function granularitiesOf(
  coverage: Coverage,
  token: string,
  index: number,
  key: number,
  completeTokens: number,
): ReadonlySet<Granularity> {
  if (coverage === 'wide') return new Set(granularities.slice(missingOfWide(index, key, completeTokens)));
  if (token === 'BTC' || token === 'ETH') return new Set(granularities);
  return new Set(granularities.slice(index < broadTier ? 1 : 2));
}

function missingOfWide(index: number, key: number, completeTokens: number): number {
  const chance = uniform(hash(key, 401));
  if (index < completeTokens || chance < 0.4) return 0;
  return chance < 0.7 ? 1 : 2;
}
