import type { ApiClient, Attempt, CallContext } from '../api/client.ts';
import { type Answer, decodeAnswer, decodeTokens } from '../api/decode.ts';
import { ApiFailure } from '../api/failure.ts';
import type { Token } from '../catalog/index.ts';
import type { Lane } from '../planning/lanes.ts';
import type { DataRequest, RecordUnit } from '../planning/request.ts';
import { observedFrom, windowCount } from '../planning/windows.ts';
import { writeRejects } from '../store/answers/quarantine.ts';
import { logRequest, type RequestLogEntry } from '../store/answers/requests.ts';
import { storeAnswer } from '../store/answers/write.ts';
import type { Database } from '../store/connection/database.ts';
import { readGaps } from '../store/ledger/coverage.ts';
import { storeTokenList } from '../store/ledger/tokens.ts';
import type { RateLimiter } from '../store/limits/rate-limiter.ts';
import { AccessGate } from './access.ts';
import type { IngestContext, IngestTally, RequestContext } from './context.ts';
import { RefusalRecovery, type RefusalRecoveryOptions } from './refusal-recovery.ts';
import { Reporter } from './reporter.ts';
import { codesOf, halve, withCodes, withFillers } from './splitting.ts';

export interface IngestorOptions extends RefusalRecoveryOptions {
  readonly client: ApiClient;
  readonly rateLimiter: RateLimiter;
  readonly recordUnit: RecordUnit;
  /** Milliseconds after its close until a window is due. */
  readonly settleDelay: number;
  readonly lookbackWindows: number;
  /** Milliseconds between two probes while the API refuses access. */
  readonly probeInterval?: number;
}

const defaultProbeInterval = 60_000;

/**
 * Takes one request from the question to the commit. Fetching is over before the transaction opens; what the API cuts
 * short or refuses in part is asked again in parts until every cell is answered or refused by name.
 */
export class Ingestor {
  readonly #options: IngestorOptions;
  readonly #access: AccessGate;
  readonly #reporter: Reporter;
  readonly #recovery: RefusalRecovery;

  constructor(options: IngestorOptions) {
    this.#options = options;
    const { database, clock, log, probeInterval = defaultProbeInterval } = options;
    this.#access = new AccessGate({ database, clock, log, probeInterval });
    this.#reporter = new Reporter(log);
    this.#recovery = new RefusalRecovery(
      options,
      (request, context) => this.#ask(request, context),
      (request, context) => this.#store(request, context, nothing, undefined),
    );
  }

  /**
   * Asks for what of the request is still missing (in the look-back lane and for a refresh: for all of it) and stores the answers.
   *
   * @throws ApiFailure where the API gave no answer; parts that were answered before stay stored
   */
  async ingest(request: DataRequest, lane: Lane, context: IngestContext = {}): Promise<IngestTally> {
    const tally: IngestTally = { calls: 0, values: 0, rowsWritten: 0, revisions: 0, rejects: 0 };
    const isAskedAgain = lane === 'lookback' || context.refreshOf !== undefined;
    const missing = isAskedAgain ? request : await this.#stillMissing(request);
    if (missing !== undefined) await this.#ask(missing, { ...context, lane, tally });
    return tally;
  }

  /** Asks the API for its tokens and takes over the list. @throws ApiFailure where it does not say */
  async refreshTokens(signal?: AbortSignal): Promise<void> {
    const { client, database, clock, log } = this.#options;
    const answer = await client.fetchTokens({
      ...this.#callContext('live', { signal }, async (attempt) =>
        this.#logAttempt({ what: 'tokens', lane: 'live' }, attempt, database),
      ),
    });
    const change = await storeTokenList(database, decodeTokens(answer), clock.now());
    if (change.joined.length > 0) log.info({ tokens: change.joined }, 'tokens joined the list');
    if (change.vanished.length > 0) log.warn({ tokens: change.vanished }, 'tokens vanished from the list');
  }

  /**
   * The request without what has been answered since it was planned. Where only scattered cells are left, one request
   * for all costs less than many.
   */
  async #stillMissing(request: DataRequest): Promise<DataRequest | undefined> {
    const gaps = await readGaps(this.#options.database, { ...request, metrics: codesOf(request) });
    const [gap] = gaps;
    if (gap === undefined) return undefined;
    if (gaps.length > 1) return request;
    const codes = new Set(gap.metrics);
    return { ...withCodes(request, (code) => codes.has(code)), tokens: gap.tokens, interval: gap.interval };
  }

  async #ask(request: DataRequest, context: RequestContext): Promise<void> {
    let answer: Answer;
    let answered: Attempt | undefined;
    const { client, database } = this.#options;
    const question = withFillers(request, context.fillers ?? (await this.#recovery.fillers(request)));
    try {
      const payload = await client.fetchMetrics(
        question,
        this.#callContext(context.lane, context, async (attempt) => {
          context.tally.calls++;
          if (attempt.outcome === 'answered') answered = attempt;
          else await this.#logAttempt(this.#describe(request, context), attempt, database);
        }),
      );
      answer = decodeAnswer(payload, question);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      // An answer whose payload is no answer was a call all the same.
      if (answered !== undefined) {
        await this.#logAttempt(
          this.#describe(request, context),
          { ...answered, outcome: error.kind, message: error.message },
          database,
        );
      }
      return this.#recovery.recover(request, context, error);
    }
    if (this.#isCutShort(request, answer)) return this.#askAgain(request, context, answer, answered);
    await this.#store(request, context, answer, answered);
  }

  /**
   * Whether the answer ends where the API stops counting and lacks cells that were asked for. The page does not say
   * what the API counts, so an answer of exactly the limit by the other unit is suspect, too.
   */
  #isCutShort(request: DataRequest, answer: Answer): boolean {
    const { recordLimit, recordUnit } = this.#options;
    if (answer.absentCells === 0) return false;
    const [counted, other] =
      recordUnit === 'value' ? [answer.values, answer.windows] : [answer.windows, answer.values];
    const step = codesOf(request).length;
    // A limit that nobody has told us of, lower than the one we know, would be a round number, and cut a token in two.
    if (answer.values > 0 && answer.values % 500 === 0 && isCutInOne(request, answer)) return true;
    return counted >= recordLimit || (other <= recordLimit && other > recordLimit - step);
  }

  async #askAgain(
    request: DataRequest,
    context: RequestContext,
    answer: Answer,
    answered: Attempt | undefined,
  ): Promise<void> {
    const { database, clock } = this.#options;
    const parts = halve(request);
    const now = clock.now();
    await database.transaction(async (on) => {
      const call = await logRequest(
        database,
        {
          ...this.#describe(request, context),
          outcome: 'cut-short',
          code: answered?.code,
          records: answer.values,
          milliseconds: answered?.milliseconds ?? 0,
          at: now,
        },
        on,
      );
      // The parts bring it again; where there are none, this is all there is.
      if (parts === undefined)
        await writeRejects(database, request.granularity, answer.rejects, now, call, on);
    });
    if (parts === undefined) {
      throw new ApiFailure('transient', 'the answer is full of windows that were not asked for', {
        code: 200,
      });
    }
    this.#reporter.cutShort(answer);
    await this.#recovery.askAll(parts, context);
  }

  async #store(
    request: DataRequest,
    context: RequestContext,
    answer: Answer,
    attempt: Attempt | undefined,
  ): Promise<void> {
    const { database, clock, settleDelay, lookbackWindows } = this.#options;
    const now = clock.now();
    const stored = await storeAnswer(database, {
      request,
      rows: request.metrics.length > 0 ? answer.rows : [],
      tags: answer.tags.filter(({ tag }) => request.tags.includes(tag)),
      rejects: answer.rejects,
      refreshOf: context.refreshOf,
      receivedAt: now,
      observedFrom: observedFrom(request.granularity, now, { settleDelay, lookbackWindows }),
      log:
        attempt === undefined
          ? undefined
          : {
              ...this.#describe(request, context),
              outcome: attempt.outcome,
              code: attempt.code,
              milliseconds: attempt.milliseconds,
              records: answer.values,
              at: now,
            },
    });
    context.tally.values += answer.values;
    context.tally.rowsWritten += stored.rowsWritten;
    context.tally.revisions += stored.revisions;
    context.tally.rejects += answer.rejects.length;
    this.#reporter.stored(request, context.lane, answer);
  }

  #describe(request: DataRequest, context: RequestContext) {
    return {
      what: 'values',
      lane: context.lane,
      granularity: request.granularity,
      interval: request.interval,
      tokens: request.tokens,
      metrics: codesOf(request),
    } as const;
  }

  #callContext(
    lane: Lane,
    { signal, beforeCall, withdrawCall }: IngestContext,
    onAttempt: (attempt: Attempt) => Promise<void>,
  ): CallContext {
    const { rateLimiter } = this.#options;
    return {
      ...(signal === undefined ? {} : { signal }),
      turn: async (turnSignal) => {
        await this.#access.enter();
        beforeCall?.();
        try {
          await rateLimiter.acquire(lane, turnSignal);
        } catch (error) {
          withdrawCall?.();
          throw error;
        }
      },
      onAttempt: async (attempt) => {
        if (attempt.outcome === 'throttled') await rateLimiter.holdBack(attempt.retryAfter ?? 1000);
        await this.#access.note(attempt);
        await onAttempt(attempt);
      },
    };
  }

  async #logAttempt(
    what: Pick<RequestLogEntry, 'what' | 'lane' | 'granularity' | 'interval' | 'tokens' | 'metrics'>,
    { outcome, code, milliseconds, message }: Attempt,
    database: Database,
  ): Promise<void> {
    await logRequest(database, {
      ...what,
      outcome,
      code,
      milliseconds,
      message,
      at: this.#options.clock.now(),
    });
  }
}

/** Whether exactly one token has values in some of the windows that others have, and not in all. */
function isCutInOne(request: DataRequest, { rows }: Answer): boolean {
  const windows = windowCount(request.granularity, request.interval);
  const perToken = new Map<Token, number>();
  for (const { token } of rows) perToken.set(token, (perToken.get(token) ?? 0) + 1);
  return [...perToken.values()].filter((count) => count < windows).length === 1;
}

/** The answer to a request that the API knows nothing about. */
const nothing: Answer = { rows: [], tags: [], rejects: [], values: 0, windows: 0, absentCells: 0 };
