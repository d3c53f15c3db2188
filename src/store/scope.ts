import type { MetricCode, TagCode, Token } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import type { Database } from './database.ts';
import { readRefused } from './entitlements.ts';
import { readKnownTokens, readListedTokens } from './tokens.ts';

/** What is wanted of the API: the settings, less what the API does not offer. */
export interface Scope {
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly tags: readonly TagCode[];
}

/** Reads the scope as it is now: tokens join and vanish, metrics are refused. */
export async function readScope(
  database: Database,
  chosen: {
    readonly tokens: readonly Token[] | 'all';
    readonly metrics: readonly MetricCode[];
    readonly tags: readonly TagCode[];
  },
): Promise<Scope> {
  const [listed, refused] = await Promise.all([readListedTokens(database), readRefused(database)]);
  const offered = new Set(listed);
  return {
    tokens: chosen.tokens === 'all' ? listed : chosen.tokens.filter((token) => offered.has(token)),
    metrics: chosen.metrics.filter((code) => !refused.has(code)),
    tags: chosen.tags.filter((code) => !refused.has(code)),
  };
}

/** @throws UserError naming the first token that was never listed */
export async function requireKnownTokens(
  database: Database,
  chosen: readonly Token[] | 'all',
  where: string,
): Promise<void> {
  if (chosen === 'all') return;
  const known = await readKnownTokens(database);
  const unknown = chosen.find((token) => !known.has(token));
  if (unknown === undefined) return;
  const similar = [...known].find((token) => token.toLowerCase() === unknown.toLowerCase());
  const hint = similar === undefined ? 'the table cryptoracle.tokens lists them' : `did you mean ${similar}?`;
  throw new UserError(`${where}: unknown token '${unknown}' (${hint})`);
}
