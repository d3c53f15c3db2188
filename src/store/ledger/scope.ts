import { distance } from 'fastest-levenshtein';
import {
  type ApiVersion,
  type Granularity,
  granularities,
  type MetricCode,
  type TagCode,
  type Token,
} from '../../catalog/index.ts';
import { UserError } from '../../errors.ts';
import type { WantedWindows } from '../../planning/plan.ts';
import type { Reader } from '../connection/reader.ts';
import { isReprobeDue, readUnavailable } from './availability.ts';
import { readRefused } from './entitlements.ts';
import { readKnownTokens, readListedTokens } from './tokens.ts';

/** What a person, or the settings, chose to have. */
export interface ScopeChoice {
  readonly tokens: readonly Token[] | 'all';
  readonly metrics: readonly MetricCode[];
  readonly tags: readonly TagCode[];
  /** The version of the API that is spoken; that of the database's catalogue where none is named. */
  readonly apiVersion?: ApiVersion;
  /** Whether tokens are asked for even in granularities that the API does not have for them. */
  readonly evenUnavailable?: boolean;
}

/**
 * What is wanted of the API: what was chosen, less what its version does not have or the subscription does not include,
 * and less the granularities that a token does not have. A snapshot: what is learned later counts in the next one.
 */
export interface Scope {
  /** The tokens, whatever granularities they have. */
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  /** Metrics that were chosen and that the version of the API does not have. */
  readonly unserved: readonly MetricCode[];
  readonly tags: readonly TagCode[];
  /** The tokens that have windows of the granularity, as far as anybody knows. */
  tokensOf(granularity: Granularity): readonly Token[];
  /** The others: tokens that seem to lack the granularity. A few of their windows are probed, see `probeReader`. */
  lacking(granularity: Granularity): readonly Token[];
  /**
   * Those of them, as far as it is time to look at their newest windows again: none had come when they were last asked for,
   * more than a week ago.
   *
   * @param end of the newest wanted window, in milliseconds since the epoch
   */
  tokensToReprobe(granularity: Granularity, end: number): readonly Token[];
}

/**
 * Reads the scope as it is now: metrics are refused, and `all` tokens are those that the API lists. Tokens chosen by name
 * are asked for whether listed or not.
 *
 * @param probedIn where it is given, tokens are left out only where each thirty days of these windows were probed
 */
export async function readScope(
  reader: Reader,
  chosen: ScopeChoice,
  now: number,
  probedIn?: WantedWindows,
): Promise<Scope> {
  const [listed, refused] = await Promise.all([readListedTokens(reader), readRefused(reader, now)]);
  const tokens = chosen.tokens === 'all' ? listed : chosen.tokens;
  const metrics = reader.catalogue.served(chosen.metrics, chosen.apiVersion);
  const unavailable = new Map<Granularity, ReadonlyMap<Token, number>>();
  if (chosen.evenUnavailable !== true) {
    const found = granularities.map(async (granularity) => {
      const range = probedIn?.get(granularity);
      unavailable.set(granularity, await readUnavailable(reader, granularity, tokens, metrics, range));
    });
    await Promise.all(found);
  }
  return {
    tokens,
    unserved: reader.catalogue.unserved(chosen.metrics, chosen.apiVersion),
    metrics: metrics.filter((code) => !refused.has(code)),
    tags: chosen.tags.filter((code) => !refused.has(code)),
    tokensOf: (granularity) => tokens.filter((token) => unavailable.get(granularity)?.has(token) !== true),
    lacking: (granularity) => tokens.filter((token) => unavailable.get(granularity)?.has(token) === true),
    tokensToReprobe: (granularity, end) =>
      tokens.filter((token) => {
        const answeredUntil = unavailable.get(granularity)?.get(token);
        return answeredUntil !== undefined && isReprobeDue(answeredUntil, end);
      }),
  };
}

/** The first of the chosen tokens that was never listed. */
export async function findUnknownToken(
  reader: Reader,
  chosen: readonly Token[] | 'all',
): Promise<Token | undefined> {
  if (chosen === 'all') return undefined;
  const known = await readKnownTokens(reader);
  return chosen.find((token) => !known.has(token));
}

/** @throws UserError naming the first token that was never listed */
export async function requireKnownTokens(
  reader: Reader,
  chosen: readonly Token[] | 'all',
  where: string,
): Promise<void> {
  const unknown = await findUnknownToken(reader, chosen);
  if (unknown === undefined) return;
  const known = await readKnownTokens(reader);
  const near = nearestToken(unknown, known);
  const hint =
    near === undefined
      ? 'the table cryptoracle.tokens lists them; EXTRA_TOKENS adds some'
      : `did you mean ${near}?`;
  throw new UserError(`${where}: unknown token '${unknown}' (${hint})`);
}

/** The token that was probably meant: the same in another case, or with one letter wrong. */
function nearestToken(unknown: Token, known: ReadonlySet<Token>): Token | undefined {
  const name = unknown.toLowerCase();
  const byDistance = [...known]
    .map((token) => ({ token, wrong: distance(token.toLowerCase(), name) }))
    .sort((a, b) => a.wrong - b.wrong);
  const [best] = byDistance;
  // In a name of two letters one that is wrong makes another name of it.
  const mostWrong = name.length > 2 ? 1 : 0;
  return best !== undefined && best.wrong <= mostWrong ? best.token : undefined;
}
