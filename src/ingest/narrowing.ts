import type { Logger } from 'pino';
import { ApiFailure } from '../api/failure.ts';
import { type MetricCode, metricCodes, type TagCode, tagCodes, windowLength } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { DataRequest } from '../planning/request.ts';
import type { Database } from '../store/database.ts';
import { readRefused, storeRefused } from '../store/entitlements.ts';
import type { Errand } from './errand.ts';
import {
  type Companions,
  codesOf,
  companionOf,
  halve,
  halveCodes,
  halveTokens,
  mayExceed,
  withCodes,
} from './splitting.ts';

export interface NarrowingOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recordLimit: number;
  /** Whether one tag is sent always, for an API that refuses an empty list. */
  readonly sendsTagAlways?: boolean;
}

/** Takes a request on its way, see `Ingestor`. @throws ApiFailure where the API gave no answer */
export type Take = (request: DataRequest, errand: Errand) => Promise<void>;

/**
 * Finds out which part of a request the API refuses or cannot give, so that the rest is not lost with it. Every step
 * asks on in parts, and what a part fails with is narrowed down in its turn.
 */
export class Narrowing {
  readonly #options: NarrowingOptions;
  readonly #ask: Take;
  readonly #storeNothing: Take;

  /** @param storeNothing remembers that the API has nothing for a request */
  constructor(options: NarrowingOptions, ask: Take, storeNothing: Take) {
    this.#options = options;
    this.#ask = ask;
    this.#storeNothing = storeNothing;
  }

  /** What a failure asks of us, kind by kind (see `FailureKind`). */
  async recover(request: DataRequest, errand: Errand, failure: ApiFailure): Promise<void> {
    const { recordLimit } = this.#options;
    switch (failure.kind) {
      case 'no-data': {
        const parts = halveTokens(request);
        if (parts !== undefined) return this.askAll(parts, errand);
        return this.#narrowWindows(request, errand);
      }
      case 'metric-refused':
        return this.#leaveOutRefused(request, errand);
      case 'bad-request': {
        const parts = mayExceed(request, recordLimit) ? halve(request) : undefined;
        if (parts !== undefined) return this.askAll(parts, errand);
        if (errand.isNarrowing === true) throw failure;
        return this.#leaveOutWrongToken(request, errand, failure);
      }
      default:
        throw failure;
    }
  }

  /** Asks for every part, whatever becomes of the others. @throws the first failure, once all have been asked */
  async askAll(parts: readonly DataRequest[], errand: Errand): Promise<void> {
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
    if (newest <= start || errand.isProbe === true) return this.#storeNothing(request, errand);
    const before = errand.tally.values;
    await this.#ask({ ...request, interval: { start: newest, end } }, { ...errand, isProbe: true });
    const rest = { ...request, interval: { start, end: newest } };
    if (errand.tally.values === before) return this.#storeNothing(rest, errand);
    await this.askAll(halve(rest) ?? [rest], errand);
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
    if (parts !== undefined) return this.askAll(parts, errand);

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
    const company = errand.companions ?? (await this.companions(request));
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
  async companions(request: DataRequest): Promise<Companions> {
    const { database, clock, sendsTagAlways } = this.#options;
    if (request.metrics.length > 0 && sendsTagAlways !== true) return { metric: undefined, tag: undefined };
    const refused = await readRefused(database, clock.now());
    return {
      metric: metricCodes.find((code) => !refused.has(code)),
      tag: sendsTagAlways === true ? tagCodes.find((code) => !refused.has(code)) : undefined,
    };
  }
}
