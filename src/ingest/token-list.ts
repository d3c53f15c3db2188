import type { Logger } from 'pino';
import { ApiFailure } from '../api/failure.ts';
import type { Token } from '../catalog/index.ts';
import type { Database } from '../store/connection/database.ts';
import { findUnknownToken, requireKnownTokens } from '../store/ledger/scope.ts';
import { isTokenListOld } from '../store/ledger/tokens.ts';
import type { Ingestor } from './ingestor.ts';

/** Takes over the API's token list; where the API does not give it, the list we have stays in use, and that is said. */
export async function refreshTokenList(ingestor: Ingestor, log: Logger, signal?: AbortSignal): Promise<void> {
  try {
    await ingestor.refreshTokens(signal);
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    log.warn({ reason: error.message }, 'the API gave no token list: the one we have stays in use');
  }
}

/**
 * Makes sure that the chosen tokens are known. The API is asked for its list where that may decide: for tokens that were
 * never listed, and for `all` where the list is older than a day.
 *
 * @param where the setting or option that names the tokens
 * @param refresh asks the API for its list; `undefined` where it cannot be asked
 * @throws UserError naming a token that the API does not list either
 */
export async function ensureKnownTokens(
  database: Database,
  chosen: readonly Token[] | 'all',
  where: string,
  { now, refresh }: { readonly now: number; readonly refresh: (() => Promise<void>) | undefined },
): Promise<void> {
  const isDecisive =
    chosen === 'all'
      ? await isTokenListOld(database, now)
      : (await findUnknownToken(database, chosen)) !== undefined;
  if (isDecisive) await refresh?.();
  await requireKnownTokens(database, chosen, where);
}
