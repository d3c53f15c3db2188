import type { Logger } from 'pino';
import type { ApiClient, Attempt } from '../api/client.ts';
import { ApiFailure } from '../api/failure.ts';
import { decodeTokens } from '../api/token-list.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../store/connection/database.ts';
import { receiveTokenList } from '../store/ledger/doubted-lists.ts';
import { storeFact } from '../store/ledger/facts.ts';
import { readBreaker } from '../store/limits/breaker.ts';
import type { CallGate } from './call-gate.ts';

export interface TokenRefreshOptions {
  readonly client: ApiClient;
  readonly gate: CallGate;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** Enters a call in the log of requests. */
  readonly logAttempt: (attempt: Attempt) => Promise<void>;
}

/** HTTP statuses of an address that does not exist, or does not answer such calls. */
const notThere: ReadonlySet<number> = new Set([404, 405, 410, 501]);

/** Asks the API for its tokens, takes over the list, and notices where the API does not serve one. */
export class TokenRefresh {
  readonly #options: TokenRefreshOptions;

  constructor(options: TokenRefreshOptions) {
    this.#options = options;
  }

  /** @throws ApiFailure where the API does not say */
  async run(signal?: AbortSignal): Promise<void> {
    const { client, gate, database, clock, log, logAttempt } = this.#options;
    let answer: unknown;
    try {
      answer = await client.fetchTokens(gate.contextOf('live', { signal }, false, logAttempt, 'coin/list'));
    } catch (error) {
      if (error instanceof ApiFailure) await this.#noteFailure(error);
      throw error;
    }
    const list = decodeTokens(answer);
    const now = clock.now();
    await storeFact(
      database,
      {
        name: 'token_list',
        value: 'served',
        found: 'answered',
        detail: 'the API answered its list of tokens',
      },
      now,
    );
    const outcome = await receiveTokenList(database, list, now);
    if (outcome.kind === 'doubted') {
      const { tokens, vanished, unknown, times } = outcome.doubted;
      log.warn(
        { tokens: tokens.length, vanished: vanished.length, unknown, times },
        'the list of tokens drops many, or names mostly unknown ones: the one we have stays in use until the API has said so for an hour',
      );
      return;
    }
    const { change } = outcome;
    if (change.joined.length > 0) log.info({ tokens: change.joined }, 'tokens joined the list');
    if (change.vanished.length > 0) log.warn({ tokens: change.vanished }, 'tokens vanished from the list');
  }

  /** A list that is refused, or not there, is not served; access that is refused as a whole says nothing about it. */
  async #noteFailure({ kind, code, message }: ApiFailure): Promise<void> {
    const { database, clock } = this.#options;
    const isRefused = kind === 'access-denied' || kind === 'bad-request';
    if (!isRefused && !(code !== undefined && notThere.has(code))) return;
    if ((await readBreaker(database)) !== undefined) return;
    await storeFact(
      database,
      { name: 'token_list', value: 'not served', found: 'answered', detail: message },
      clock.now(),
    );
  }
}
