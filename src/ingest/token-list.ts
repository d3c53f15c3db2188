import type { Logger } from 'pino';
import { ApiFailure } from '../api/failure.ts';
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
