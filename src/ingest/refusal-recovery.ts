import type { Logger } from 'pino';
import { ApiFailure } from '../api/failure.ts';
import { type MetricCode, metricCodes, type TagCode, tagCodes, windowLength } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { DataRequest } from '../planning/request.ts';
import type { Database } from '../store/connection/database.ts';
import { readRefused, storeRefused } from '../store/ledger/entitlements.ts';
import type { RequestContext } from './context.ts';
import {
  codesOf,
  type FillerCodes,
  fillerOf,
  halve,
  halveCodes,
  halveTokens,
  mayExceed,
  withCodes,
} from './splitting.ts';

export interface RefusalRecoveryOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recordLimit: number;
  /** Whether one tag is sent always, for an API that refuses an empty list. */
  readonly sendsTagAlways?: boolean;
}

/** Takes a request on its way, see `Ingestor`. @throws ApiFailure where the API gave no answer */
export type Take = (request: DataRequest, context: RequestContext) => Promise<void>;

/**
 * Finds out which part of a request the API refuses or cannot give, so that the rest is not lost with it. Every step
 * asks on in parts, and what a part fails with is narrowed down in its turn.
 */
export class RefusalRecovery {
  readonly #options: RefusalRecoveryOptions;
  readonly #ask: Take;
  readonly #storeNothing: Take;

  /** @param storeNothing remembers that the API has nothing for a request */
  constructor(options: RefusalRecoveryOptions, ask: Take, storeNothing: Take) {
    this.#options = options;
    this.#ask = ask;
    this.#storeNothing = storeNothing;
  }

  /** What a failure asks of us, kind by kind (see `FailureKind`). */
  async recover(request: DataRequest, context: RequestContext, failure: ApiFailure): Promise<void> {
    const { recordLimit } = this.#options;
    switch (failure.kind) {
      case 'no-data': {
        const parts = halveTokens(request);
        if (parts !== undefined) return this.askAll(parts, context);
        return this.#narrowWindows(request, context);
      }
      case 'metric-refused':
        return this.#leaveOutRefused(request, context);
      case 'bad-request': {
        const parts = mayExceed(request, recordLimit) ? halve(request) : undefined;
        if (parts !== undefined) return this.askAll(parts, context);
        if (context.isRecovering === true) throw failure;
        return this.#leaveOutWrongToken(request, context, failure);
      }
      default:
        throw failure;
    }
  }

  /** Asks for every part, whatever becomes of the others. @throws the first failure, once all have been asked */
  async askAll(parts: readonly DataRequest[], context: RequestContext): Promise<void> {
    let first: ApiFailure | undefined;
    for (const part of parts) {
      try {
        await this.#ask(part, context);
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
  async #narrowWindows(request: DataRequest, context: RequestContext): Promise<void> {
    const { start, end } = request.interval;
    const newest = end - windowLength[request.granularity];
    if (newest <= start || context.isProbe === true) return this.#storeNothing(request, context);
    const before = context.tally.values;
    await this.#ask({ ...request, interval: { start: newest, end } }, { ...context, isProbe: true });
    const rest = { ...request, interval: { start, end: newest } };
    if (context.tally.values === before) return this.#storeNothing(rest, context);
    await this.askAll(halve(rest) ?? [rest], context);
  }

  /**
   * Finds the one token that makes a request wrong, so that its neighbours are not lost with it. Where both halves are
   * wrong the reason is another, and asking on would only repeat it.
   */
  async #leaveOutWrongToken(
    request: DataRequest,
    context: RequestContext,
    failure: ApiFailure,
  ): Promise<void> {
    for (let suspect = request; ; ) {
      const wrong: DataRequest[] = [];
      for (const part of halveTokens(suspect) ?? []) {
        try {
          await this.#ask(part, { ...context, isRecovering: true });
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
  async #leaveOutRefused(request: DataRequest, context: RequestContext): Promise<void> {
    const { database, clock, log } = this.#options;
    const refused = await readRefused(database, clock.now());
    const allowed = withCodes(request, (code) => !refused.has(code));
    const codes = codesOf(allowed);
    if (codes.length === 0) return;
    if (codes.length < codesOf(request).length) return this.#ask(allowed, context);
    const parts = halveCodes(request);
    if (parts !== undefined) return this.askAll(parts, context);

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
    const company = context.fillers ?? (await this.fillers(request));
    const filler = fillerOf(request, company);
    if (filler === undefined || context.isRecovering === true) return blame(code);
    const others = {
      ...company,
      metric: metricCodes.find((each) => each !== filler && !refused.has(each)),
      tag:
        company.tag === undefined
          ? undefined
          : tagCodes.find((each) => each !== filler && !refused.has(each)),
    };
    await this.#ask(request, { ...context, fillers: others, isRecovering: true });
    const nowRefused = await readRefused(database, clock.now());
    if (!nowRefused.has(code)) await blame(filler);
  }

  /** What comes along where the API wants a metric or a tag that we do not: one that it does not refuse. */
  async fillers(request: DataRequest): Promise<FillerCodes> {
    const { database, clock, sendsTagAlways } = this.#options;
    if (request.metrics.length > 0 && sendsTagAlways !== true) return { metric: undefined, tag: undefined };
    const refused = await readRefused(database, clock.now());
    return {
      metric: metricCodes.find((code) => !refused.has(code)),
      tag: sendsTagAlways === true ? tagCodes.find((code) => !refused.has(code)) : undefined,
    };
  }
}
