import type { Logger } from 'pino';
import type { ApiClient, Attempt, CallContext } from '../api/client.ts';
import { type Answer, decodeAnswer, decodeTokens } from '../api/decode.ts';
import { ApiFailure } from '../api/failure.ts';
import { longestRetryAfter } from '../api/retry.ts';
import { type MetricCode, metricCodes, type TagCode, tagCodes, windowLength } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { Lane } from '../planning/lanes.ts';
import type { DataRequest, RecordUnit } from '../planning/request.ts';
import { observedFrom } from '../planning/windows.ts';
import { storeAnswer } from '../store/answers.ts';
import { readGaps } from '../store/coverage.ts';
import type { Database } from '../store/database.ts';
import { readRefused, storeRefused } from '../store/entitlements.ts';
import type { Pace } from '../store/pace.ts';
import { logRequest, type RequestLogEntry } from '../store/requests.ts';
import { storeTokenList } from '../store/tokens.ts';
import { AccessGate } from './access.ts';
import { Reporter } from './reporter.ts';
import {
  type Companions,
  codesOf,
  companionOf,
  halve,
  halveCodes,
  halveTokens,
  mayExceed,
  withCodes,
  withCompanions,
} from './splitting.ts';

export interface IngestorOptions {
  readonly client: ApiClient;
  readonly database: Database;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recordLimit: number;
  readonly recordUnit: RecordUnit;
  readonly rangeEnd: 'exclusive' | 'inclusive';
  /** Milliseconds after its close until a window is due. */
  readonly settleDelay: number;
  readonly lookbackWindows: number;
  /** Whether one tag is sent always, for an API that refuses an empty list. */
  readonly sendsTagAlways?: boolean;
  /** Milliseconds between two probes while the API refuses access. */
  readonly probeInterval?: number;
}

const defaultProbeInterval = 60_000;

/** What became of one request, its parts included. */
export interface IngestTally {
  /** Calls on the wire, retries included. */
  calls: number;
  /** Values in the answers. */
  values: number;
  rowsWritten: number;
  revisions: number;
  /** Things that could not be stored. */
  rejects: number;
}

export interface IngestContext {
  /** Ends the call that is under way. */
  readonly signal?: AbortSignal | undefined;
  /** Asked before every call on the wire; may refuse it by throwing, which ends the request. */
  readonly beforeCall?: (() => void) | undefined;
}

interface Errand extends IngestContext {
  readonly lane: Lane;
  /** Set while a wrong request is narrowed down: a further failure of its kind ends that branch. */
  readonly isNarrowing?: boolean;
  /** Set for the newest window of a range that the API has nothing for. */
  readonly isProbe?: boolean;
  readonly companions?: Companions;
  readonly tally: IngestTally;
}

/**
 * Takes one request from the question to the commit. Fetching is over before the transaction opens; what the API cuts
 * short or refuses in part is asked again in parts until every cell is answered or refused by name.
 */
export class Ingestor {
  readonly #options: IngestorOptions;
  readonly #access: AccessGate;
  readonly #reporter: Reporter;

  constructor(options: IngestorOptions) {
    this.#options = options;
    const { database, clock, log, probeInterval = defaultProbeInterval } = options;
    this.#access = new AccessGate({ database, clock, log, probeInterval });
    this.#reporter = new Reporter(log);
  }

  /**
   * Asks for what of the request is still missing (in the look-back lane: for all of it) and stores the answers.
   *
   * @throws ApiFailure where the API gave no answer; parts that were answered before stay stored
   */
  async ingest(request: DataRequest, lane: Lane, context: IngestContext = {}): Promise<IngestTally> {
    const tally: IngestTally = { calls: 0, values: 0, rowsWritten: 0, revisions: 0, rejects: 0 };
    const missing = lane === 'lookback' ? request : await this.#stillMissing(request);
    if (missing !== undefined) await this.#ask(missing, { ...context, lane, tally });
    return tally;
  }

  /** Asks the API for its tokens and takes over the list. @throws ApiFailure where it does not say */
  async refreshTokens(signal?: AbortSignal): Promise<void> {
    const { client, database, clock, log } = this.#options;
    const answer = await client.fetchTokens({
      ...this.#callContext({ signal }, async (attempt) =>
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

  async #ask(request: DataRequest, errand: Errand): Promise<void> {
    let answer: Answer;
    let answered: Attempt | undefined;
    const { client, rangeEnd, database } = this.#options;
    const question = withCompanions(request, errand.companions ?? (await this.#companions(request)));
    const { start, end } = request.interval;
    try {
      const payload = await client.fetchMetrics(
        {
          ...question,
          startTime: start,
          endTime: rangeEnd === 'exclusive' ? end : end - windowLength[request.granularity],
        },
        this.#callContext(errand, async (attempt) => {
          errand.tally.calls++;
          if (attempt.outcome === 'answered') answered = attempt;
          else await this.#logAttempt(this.#describe(request, errand), attempt, database);
        }),
      );
      answer = decodeAnswer(payload, question);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      // An answer whose payload is no answer was a call all the same.
      if (answered !== undefined) {
        await this.#logAttempt(
          this.#describe(request, errand),
          { ...answered, outcome: error.kind, message: error.message },
          database,
        );
      }
      return this.#recover(request, errand, error);
    }
    if (this.#isCutShort(request, answer)) return this.#askAgain(request, errand, answer, answered);
    await this.#store(request, errand, answer, answered);
  }

  /** What a failure asks of us, kind by kind (see `FailureKind`). */
  async #recover(request: DataRequest, errand: Errand, failure: ApiFailure): Promise<void> {
    const { recordLimit } = this.#options;
    switch (failure.kind) {
      case 'no-data': {
        const parts = halveTokens(request);
        if (parts !== undefined) return this.#askAll(parts, errand);
        return this.#narrowWindows(request, errand);
      }
      case 'metric-refused':
        return this.#leaveOutRefused(request, errand);
      case 'bad-request': {
        const parts = mayExceed(request, recordLimit) ? halve(request) : undefined;
        if (parts !== undefined) return this.#askAll(parts, errand);
        if (errand.isNarrowing === true) throw failure;
        return this.#leaveOutWrongToken(request, errand, failure);
      }
      default:
        throw failure;
    }
  }

  /** Asks for every part, whatever becomes of the others. @throws the first failure, once all have been asked */
  async #askAll(parts: readonly DataRequest[], errand: Errand): Promise<void> {
    let first: ApiFailure | undefined;
    for (const part of parts) {
      try {
        await this.#ask(part, errand);
      } catch (error) {
        if (!(error instanceof ApiFailure) || error.kind === 'access-denied') throw error;
        first ??= error;
      }
    }
    if (first !== undefined) throw first;
  }

  /**
   * The API has nothing for one token. Where it has the newest window all the same, the range reached beyond what it
   * keeps: the rest is asked for in halves. Else all of it is remembered as empty.
   */
  async #narrowWindows(request: DataRequest, errand: Errand): Promise<void> {
    const { start, end } = request.interval;
    const newest = end - windowLength[request.granularity];
    if (newest <= start || errand.isProbe === true) return this.#store(request, errand, nothing, undefined);
    const before = errand.tally.values;
    await this.#ask({ ...request, interval: { start: newest, end } }, { ...errand, isProbe: true });
    const rest = { ...request, interval: { start, end: newest } };
    if (errand.tally.values === before) return this.#store(rest, errand, nothing, undefined);
    await this.#askAll(halve(rest) ?? [rest], errand);
  }

  /**
   * Finds the one token that makes a request wrong, so that its neighbours are not lost with it. Where both halves are
   * wrong the reason is another, and asking on would only repeat it.
   */
  async #leaveOutWrongToken(request: DataRequest, errand: Errand, failure: ApiFailure): Promise<void> {
    for (let suspect = request; ; ) {
      const wrong: DataRequest[] = [];
      for (const part of halveTokens(suspect) ?? []) {
        try {
          await this.#ask(part, { ...errand, isNarrowing: true });
        } catch (error) {
          if (!(error instanceof ApiFailure) || error.kind !== 'bad-request') throw error;
          wrong.push(part);
        }
      }
      const [only] = wrong;
      if (only === undefined && suspect.tokens.length > 1) return;
      if (only === undefined || wrong.length > 1) throw failure;
      suspect = only;
    }
  }

  /** Halves the codes until the refused one stands alone, and remembers it. */
  async #leaveOutRefused(request: DataRequest, errand: Errand): Promise<void> {
    const { database, clock, log } = this.#options;
    const refused = await readRefused(database, clock.now());
    const allowed = withCodes(request, (code) => !refused.has(code));
    const codes = codesOf(allowed);
    if (codes.length === 0) return;
    if (codes.length < codesOf(request).length) return this.#ask(allowed, errand);
    const parts = halveCodes(request);
    if (parts !== undefined) return this.#askAll(parts, errand);

    const [code] = codes;
    if (code === undefined) return;
    const blame = async (culprit: MetricCode | TagCode) => {
      await storeRefused(database, culprit, clock.now());
      log.warn(
        { metric: culprit },
        'the subscription does not include this metric: it is left out from now on',
      );
    };
    // What came along with it may be what is refused: asked with other company, the code tells.
    const company = errand.companions ?? (await this.#companions(request));
    const companion = companionOf(request, company);
    if (companion === undefined || errand.isNarrowing === true) return blame(code);
    const others = {
      ...company,
      metric: metricCodes.find((each) => each !== companion && !refused.has(each)),
      tag:
        company.tag === undefined
          ? undefined
          : tagCodes.find((each) => each !== companion && !refused.has(each)),
    };
    await this.#ask(request, { ...errand, companions: others, isNarrowing: true });
    const nowRefused = await readRefused(database, clock.now());
    if (!nowRefused.has(code)) await blame(companion);
  }

  /** What comes along where the API wants a metric or a tag that we do not: one that it does not refuse. */
  async #companions(request: DataRequest): Promise<Companions> {
    const { database, clock, sendsTagAlways } = this.#options;
    if (request.metrics.length > 0 && sendsTagAlways !== true) return { metric: undefined, tag: undefined };
    const refused = await readRefused(database, clock.now());
    return {
      metric: metricCodes.find((code) => !refused.has(code)),
      tag: sendsTagAlways === true ? tagCodes.find((code) => !refused.has(code)) : undefined,
    };
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
    return counted >= recordLimit || (other <= recordLimit && other > recordLimit - step);
  }

  async #askAgain(
    request: DataRequest,
    errand: Errand,
    answer: Answer,
    answered: Attempt | undefined,
  ): Promise<void> {
    const { database, clock } = this.#options;
    await logRequest(database, {
      ...this.#describe(request, errand),
      outcome: 'cut-short',
      code: answered?.code,
      records: answer.values,
      milliseconds: answered?.milliseconds ?? 0,
      at: clock.now(),
    });
    const parts = halve(request);
    if (parts === undefined) {
      throw new ApiFailure('transient', 'the answer is full of windows that were not asked for', {
        code: 200,
      });
    }
    this.#reporter.cutShort(answer);
    await this.#askAll(parts, errand);
  }

  async #store(
    request: DataRequest,
    errand: Errand,
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
      receivedAt: now,
      observedFrom: observedFrom(request.granularity, now, { settleDelay, lookbackWindows }),
      log:
        attempt === undefined
          ? undefined
          : {
              ...this.#describe(request, errand),
              outcome: attempt.outcome,
              code: attempt.code,
              milliseconds: attempt.milliseconds,
              records: answer.values,
              at: now,
            },
    });
    errand.tally.values += answer.values;
    errand.tally.rowsWritten += stored.rowsWritten;
    errand.tally.revisions += stored.revisions;
    errand.tally.rejects += answer.rejects.length;
    this.#reporter.stored(request, errand.lane, answer);
  }

  #describe(request: DataRequest, errand: Errand) {
    return {
      what: 'values',
      lane: errand.lane,
      granularity: request.granularity,
      interval: request.interval,
      tokens: request.tokens,
      metrics: codesOf(request),
    } as const;
  }

  #callContext(
    { signal, beforeCall }: IngestContext,
    onAttempt: (attempt: Attempt) => Promise<void>,
  ): CallContext {
    const { pace } = this.#options;
    return {
      ...(signal === undefined ? {} : { signal }),
      turn: async (turnSignal) => {
        await this.#access.enter();
        beforeCall?.();
        await pace.turn(turnSignal);
      },
      onAttempt: async (attempt) => {
        if (attempt.outcome === 'throttled')
          await pace.holdBack(Math.min(longestRetryAfter, attempt.retryAfter ?? 1000));
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

/** The answer to a request that the API knows nothing about. */
const nothing: Answer = { rows: [], tags: [], rejects: [], values: 0, windows: 0, absentCells: 0 };
