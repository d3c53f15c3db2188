import type { MetricCode, TagCode, Token } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import type { Database } from './database.ts';
import { readRefused } from './entitlements.ts';
import { readKnownTokens, readListedTokens } from './tokens.ts';

/** What is wanted of the API: what was chosen, less what the subscription does not include. */
export interface Scope {
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly tags: readonly TagCode[];
}

/**
 * Reads the scope as it is now: metrics are refused, and `all` tokens are those that the API lists. Tokens chosen by name
 * are asked for whether listed or not.
 */
export async function readScope(
  database: Database,
  chosen: {
    readonly tokens: readonly Token[] | 'all';
    readonly metrics: readonly MetricCode[];
    readonly tags: readonly TagCode[];
  },
  now: number,
): Promise<Scope> {
  const [listed, refused] = await Promise.all([readListedTokens(database), readRefused(database, now)]);
  return {
    tokens: chosen.tokens === 'all' ? listed : chosen.tokens,
    metrics: chosen.metrics.filter((code) => !refused.has(code)),
    tags: chosen.tags.filter((code) => !refused.has(code)),
  };
}

/** The first of the chosen tokens that was never listed. */
export async function findUnknownToken(
  database: Database,
  chosen: readonly Token[] | 'all',
): Promise<Token | undefined> {
  if (chosen === 'all') return undefined;
  const known = await readKnownTokens(database);
  return chosen.find((token) => !known.has(token));
}

/** @throws UserError naming the first token that was never listed */
export async function requireKnownTokens(
  database: Database,
  chosen: readonly Token[] | 'all',
  where: string,
): Promise<void> {
  const unknown = await findUnknownToken(database, chosen);
  if (unknown === undefined) return;
  const known = await readKnownTokens(database);
  const similar = [...known].find((token) => token.toLowerCase() === unknown.toLowerCase());
  const hint = similar === undefined ? 'the table cryptoracle.tokens lists them' : `did you mean ${similar}?`;
  throw new UserError(`${where}: unknown token '${unknown}' (${hint})`);
}
