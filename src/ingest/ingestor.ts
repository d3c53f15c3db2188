import type { Attempt } from '../api/client.ts';
import type { Answer } from '../api/decode.ts';
import type { ApiFailure } from '../api/failure.ts';
import { askedApart, type Catalogue, type Granularity } from '../catalog/index.ts';
import type { Lane } from '../planning/lanes.ts';
import type { DataRequest } from '../planning/request.ts';
import { observedFrom } from '../planning/windows.ts';
import { writeRejects } from '../store/answers/quarantine.ts';
import { logRequest } from '../store/answers/requests.ts';
import { hasTags } from '../store/answers/tags.ts';
import { AnswerWriter } from '../store/answers/writer.ts';
import { areUntouched, type CellSelection, readGaps } from '../store/ledger/coverage.ts';
import { believeLacking, readDoubtedGranularities } from '../store/ledger/suspects.ts';
import { AccessGate } from './access.ts';
import { ApiOutage } from './api-outage.ts';
import { CallGate } from './call-gate.ts';
import { ClockOffset } from './clock-offset.ts';
import { describe, type IngestContext, type IngestTally, newTally, type RequestContext } from './context.ts';
import { DayStarts, daysBefore } from './day-starts.ts';
import { EmptyStretches } from './empty-stretches.ts';
import { EntitlementScout } from './entitlement-scout.ts';
import { bringsNothing, Evidence } from './evidence.ts';
import { GatheredQuestions } from './gathered-questions.ts';
import { type Asked, Inquirer } from './inquirer.ts';
import { type Inquiry, plain, type Verdict } from './inquiry.ts';
import type { IngestorOptions } from './options.ts';
import { Records } from './records.ts';
import { judge, leaveOutRefused } from './refusal-recovery.ts';
import type { Division } from './refused-sizes.ts';
import { Reporter } from './reporter.ts';
import { codesOf, withCodes } from './splitting.ts';
import { TokenRefresh } from './token-refresh.ts';

const defaultProbeInterval = 60_000;

/**
 * Takes one request from the question to the commit. Fetching is over before the transaction opens; what the API cuts
 * short or refuses in part is asked again in parts until every cell is answered or refused by name.
 */
export class Ingestor {
  readonly #options: IngestorOptions;
  readonly #gate: CallGate;
  readonly #outage: ApiOutage;
  readonly #reporter: Reporter;
  readonly #days: DayStarts;
  readonly #records: Records;
  readonly #entitlements: EntitlementScout;
  readonly #inquirer: Inquirer;
  readonly #evidence: Evidence;
  readonly #writer: AnswerWriter;
  readonly #emptyStretches = new EmptyStretches();
  readonly #untouched: GatheredQuestions<Omit<CellSelection, 'metrics'>, boolean>;

  constructor(options: IngestorOptions) {
    this.#options = options;
    const { database, clock, log, rateLimiter, probeInterval = defaultProbeInterval } = options;
    this.#outage = new ApiOutage(database, clock, log);
    this.#gate = new CallGate(
      new AccessGate({ database, clock, log, probeInterval }),
      rateLimiter,
      new ClockOffset(database, clock),
      this.#outage,
    );
    this.#reporter = new Reporter(log);
    this.#days = new DayStarts(database, clock, log, options.dayStart ?? 'auto');
    this.#evidence = new Evidence(database, clock);
    this.#writer = new AnswerWriter(database);
    this.#untouched = new GatheredQuestions((requests) => areUntouched(database, requests));
    this.#records = new Records(database, clock, log, options.stated ?? {});
    this.#entitlements = new EntitlementScout(database, clock);
    this.#inquirer = new Inquirer(options, {
      gate: this.#gate,
      records: this.#records,
      entitlements: this.#entitlements,
    });
  }

  /** The metrics that can be asked for. */
  get catalogue(): Catalogue {
    return this.#options.database.catalogue;
  }

  /** Whether the API answers no call now, which is told of once. */
  get isApiOut(): boolean {
    return this.#outage.isOut;
  }

  /**
   * Asks for what of the request is still missing (for the look-back, the audit and a refresh: for all of it) and stores the answers.
   *
   * @throws ApiFailure where the API gave no answer; parts that were answered before stay stored
   */
  async ingest(request: DataRequest, lane: Lane, context: IngestContext = {}): Promise<IngestTally> {
    const tally = newTally();
    const isAskedAgain = lane === 'lookback' || lane === 'audit' || context.refreshOf !== undefined;
    if (!(await this.#days.isOnGrid(request))) return tally;
    const missing = isAskedAgain ? request : await this.#stillMissing(request, context);
    if (missing !== undefined) await this.#drain(missing, { ...context, lane, tally });
    // On the wrong grid, a day asked for alone brings nothing: the days before it show where days start.
    if (missing !== undefined && tally.values === 0 && (await this.#days.isUnshown(request))) {
      await this.#drain(daysBefore(missing), { ...context, lane, tally, isProbe: true });
    }
    return tally;
  }

  /**
   * Believes that tokens which were answered with nothing lack the granularity, where the API is shown to be well: by a
   * call, where no value has come since.
   *
   * @throws what `beforeCall` throws, BudgetSpent, the signal's reason
   */
  async settleDoubts(lane: Lane, context: IngestContext): Promise<void> {
    const { database } = this.#options;
    for (const granularity of this.#evidence.open) {
      await this.#askControl(granularity, { ...context, lane, tally: newTally() }, true);
    }
    for (const granularity of await readDoubtedGranularities(database)) {
      await believeLacking(database, granularity);
    }
  }

  /** Asks the API for its tokens and takes over the list. @throws ApiFailure where it does not say */
  refreshTokens(signal?: AbortSignal): Promise<void> {
    const { client, database, clock, log } = this.#options;
    const logAttempt = (attempt: Attempt) =>
      this.#inquirer.logAttempt({ what: 'tokens', lane: 'live' }, attempt);
    return new TokenRefresh({ client, gate: this.#gate, database, clock, log, logAttempt }).run(signal);
  }

  /**
   * The request without what has been answered since it was planned. Where only scattered cells are left, one request
   * for all costs less than many.
   */
  async #stillMissing(
    request: DataRequest,
    { asksSuspects }: IngestContext,
  ): Promise<DataRequest | undefined> {
    const { database, clock } = this.#options;
    if (await this.#untouched.ask(request)) return request;
    const leftAlone = asksSuspects === true ? {} : { now: clock.now() };
    const gaps = await readGaps(database, { ...request, metrics: codesOf(request) }, leftAlone);
    const [gap] = gaps;
    if (gap === undefined) return undefined;
    if (gaps.length > 1) return request;
    const codes = new Set(gap.metrics);
    return { ...withCodes(request, (code) => codes.has(code)), tokens: gap.tokens, interval: gap.interval };
  }

  /**
   * Works until nothing of the request waits to be asked, whatever becomes of its parts.
   * @throws ApiFailure the first failure, once all has been asked; at once where access is denied
   */
  async #drain(request: DataRequest, context: RequestContext): Promise<void> {
    const divided = await Promise.all(partsOf(request).map((part) => this.#records.divide(part)));
    const waiting: Inquiry[] = divided.flat().map(plain).toReversed();
    let first: ApiFailure | undefined;
    const division: Division = { refused: Number.POSITIVE_INFINITY, answered: 0 };
    const leave = await this.#entitlements.enter(codesOf(request), context.signal);
    try {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const { ask = [], failed = [] } = await this.#take(next, context, division);
        for (const { failure } of failed) {
          if (failure.kind === 'access-denied') throw failure;
          first ??= failure;
        }
        waiting.push(...ask.toReversed());
      }
    } finally {
      leave();
    }
    if (first !== undefined) throw first;
    await this.#records.learnFromDivision(division);
  }

  /** Asks once, stores what came, and gives what follows. */
  async #take(inquiry: Inquiry, context: RequestContext, division: Division): Promise<Verdict> {
    const before = leaveOutRefused(inquiry, await this.#entitlements.refused());
    const { allowed } = before;
    if (allowed === undefined) return { leftOut: before.leftOut };
    const { inSlot = (question) => question() } = context;
    const asked = await inSlot(() => this.#askInTurn(allowed, context));
    if ('leftOut' in asked) return asked;
    await this.#records.noteSize(asked.inquiry.request, asked.outcome, division);
    const verdict = judge(asked.inquiry, asked.outcome, {
      refused: await this.#inquirer.refusedOrUnserved(),
      granted: this.#entitlements.granted,
      recordLimit: (await this.#records.rules()).limit,
      fillers: asked.fillers,
      speaksForAll: this.#emptyStretches.speaksForAll,
      isKnownEmpty: this.#emptyStretches.holds(asked.inquiry.request),
    });
    await this.#act(asked, verdict, context);
    return verdict;
  }

  /** Waits for a turn and asks. @returns what is left out where all codes of the question were refused meanwhile */
  async #askInTurn(
    inquiry: Inquiry,
    context: RequestContext,
  ): Promise<Asked | Required<Pick<Verdict, 'leftOut'>>> {
    await this.#gate.admit(context.lane, context);
    const { allowed, leftOut } = leaveOutRefused(inquiry, await this.#entitlements.refused());
    if (allowed === undefined) {
      context.withdrawCall?.();
      return { leftOut };
    }
    return this.#inquirer.askWithTagIfNeeded(allowed, context);
  }

  /** Enters an outcome, and what follows from it, in the database. */
  async #act(asked: Asked, verdict: Verdict, context: RequestContext): Promise<void> {
    const { answer, attempt, inquiry, outcome } = asked;
    if (answer !== undefined && outcome.kind === 'answered' && outcome.isCutShort) {
      await this.#storeCutShort(asked, answer, context, verdict.ask === undefined);
      await this.#records.learnFromCut(inquiry.request, answer);
    } else if (answer !== undefined) {
      const isOnGrid = await this.#days.learnFrom(inquiry.request, answer);
      await this.#store(inquiry.request, context, answer, attempt, isOnGrid);
    }
    for (const request of verdict.empty ?? []) {
      this.#emptyStretches.add(request);
      await this.#store(request, context, nothing, undefined);
    }
    for (const code of verdict.blame ?? []) {
      await this.#entitlements.blame(code);
      this.#options.log.warn(
        { metric: code },
        'the subscription does not include this metric: it is left out from now on',
      );
    }
  }

  /** @param isAll whether the request has no parts that would bring again what could not be stored */
  async #storeCutShort(
    { inquiry: { request }, attempt }: Asked,
    answer: Answer,
    context: RequestContext,
    isAll: boolean,
  ): Promise<void> {
    const { database, clock } = this.#options;
    const now = clock.now();
    await database.transaction(async (tx) => {
      const entry = {
        ...describe(request, context),
        outcome: 'cut-short',
        code: attempt?.code,
        records: answer.values,
        windowsBeside: answer.windowsBeside,
        rejectsDropped: isAll ? answer.moreRejects : 0,
        milliseconds: attempt?.milliseconds ?? 0,
        at: now,
      } as const;
      const call = await logRequest(database, entry, tx);
      if (isAll) await writeRejects(database, request.granularity, answer.rejects, now, call, tx);
    });
    this.#reporter.cutShort(answer);
  }

  async #store(
    request: DataRequest,
    context: RequestContext,
    answer: Answer,
    attempt: Attempt | undefined,
    isOnGrid = true,
  ): Promise<void> {
    const { database, clock, settleDelay, lookbackWindows } = this.#options;
    const now = clock.now();
    this.#emptyStretches.noteAnswer(request, answer);
    const isNothing = bringsNothing(request, answer);
    this.#evidence.note(request.granularity, isNothing);
    if (isNothing && context.isProbe === true) {
      if (attempt !== undefined) {
        const { outcome, code, milliseconds } = attempt;
        const entry = { ...describe(request, context), outcome, code, milliseconds, records: 0, at: now };
        await logRequest(database, entry);
      }
      return;
    }
    const isDoubted = isNothing && (await this.#isDoubtful(request));
    const stored = await this.#writer.store({
      request,
      rows: request.metrics.length > 0 ? answer.rows : [],
      tags: answer.tags.filter(({ tag }) => request.tags.includes(tag)),
      rejects: answer.rejects,
      isOnGrid,
      isDoubted,
      refreshOf: context.refreshOf,
      receivedAt: now,
      clock,
      observedFrom: observedFrom(request.granularity, now, { settleDelay, lookbackWindows }),
      log:
        attempt === undefined
          ? undefined
          : {
              ...describe(request, context),
              outcome: attempt.outcome,
              code: attempt.code,
              milliseconds: attempt.milliseconds,
              records: isNothing ? 0 : answer.values,
              windowsBeside: answer.windowsBeside,
              rejectsDropped: answer.moreRejects,
              at: now,
            },
    });
    context.tally.values += answer.values;
    context.tally.rowsWritten += stored.rowsWritten;
    context.tally.revisions += stored.revisions;
    context.tally.rejects += answer.rejects.length + answer.moreRejects;
    context.tally.windowsBeside += answer.windowsBeside;
    this.#reporter.stored(request, context.lane, answer);
    if (!isNothing) return;
    if (isDoubted) this.#reporter.doubted(request, now);
    await this.#askControl(request.granularity, context, false);
  }

  /** Whether nothing may be wrong here: of labels, where some of these tokens had some before. */
  async #isDoubtful({ metrics, tokens }: DataRequest): Promise<boolean> {
    return metrics.length > 0 || (await hasTags(this.#options.database, tokens));
  }

  /** Asks for a window that is known to have a value, and logs whether it came: `believeLacking` reads that. */
  async #askControl(granularity: Granularity, context: RequestContext, isUrgent: boolean): Promise<void> {
    const { database, clock } = this.#options;
    const request = await this.#evidence.control(granularity, isUrgent);
    if (request === undefined) return;
    await this.#gate.admit(context.lane, context);
    const { answer, attempt } = await this.#inquirer.ask(plain(request), context);
    if (answer === undefined || attempt === undefined) return;
    const isNothing = bringsNothing(request, answer);
    this.#evidence.note(granularity, isNothing);
    await logRequest(database, {
      ...describe(request, context),
      ...{ outcome: attempt.outcome, code: attempt.code, milliseconds: attempt.milliseconds },
      ...{ records: isNothing ? 0 : answer.values, at: clock.now() },
    });
  }
}

/** The request, or more where series of one code are among its metrics; its tags are asked for once. */
function partsOf(request: DataRequest): readonly DataRequest[] {
  return askedApart(request.metrics).map((metrics, position) => ({
    ...request,
    metrics,
    tags: position === 0 ? request.tags : [],
  }));
}

/** The answer to a request that the API knows nothing about. */
const nothing: Answer = {
  ...{ rows: [], tags: [], rejects: [], values: 0, windows: 0 },
  ...{ absentCells: 0, windowsBeside: 0, moreRejects: 0 },
};
