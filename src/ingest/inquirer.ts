import type { Attempt } from '../api/client.ts';
import { type Answer, decodeAnswer } from '../api/decode.ts';
import { ApiFailure } from '../api/failure.ts';
import { questionOf } from '../api/question.ts';
import type { MetricCode, TagCode } from '../catalog/index.ts';
import type { DataRequest } from '../planning/request.ts';
import { logRequest, type RequestLogEntry } from '../store/answers/requests.ts';
import type { CallGate } from './call-gate.ts';
import { describe, type RequestContext } from './context.ts';
import { isCutShort } from './cut-short.ts';
import type { EntitlementScout } from './entitlement-scout.ts';
import type { Inquiry, Outcome } from './inquiry.ts';
import type { IngestorOptions } from './options.ts';
import type { Records } from './records.ts';
import { codesOf, type FillerCodes, fillersFor, mayExceed, withFillers } from './splitting.ts';

/** A question that was sent, and what came of it. */
export interface Asked {
  readonly inquiry: Inquiry;
  readonly fillers: FillerCodes;
  readonly outcome: Outcome;
  readonly answer: Answer | undefined;
  /** The call that was answered. */
  readonly attempt: Attempt | undefined;
}

/** Sends one question at a time and says what came of it; logs the calls that brought no answer. */
export class Inquirer {
  readonly #options: Pick<IngestorOptions, 'client' | 'database' | 'clock' | 'mayRefuseEmptyTags'>;
  readonly #gate: CallGate;
  readonly #records: Records;
  readonly #entitlements: EntitlementScout;

  constructor(
    options: Pick<IngestorOptions, 'client' | 'database' | 'clock' | 'mayRefuseEmptyTags'>,
    parts: { readonly gate: CallGate; readonly records: Records; readonly entitlements: EntitlementScout },
  ) {
    this.#options = options;
    this.#gate = parts.gate;
    this.#records = parts.records;
    this.#entitlements = parts.entitlements;
  }

  /** Sends the question. What the API says is an outcome, a failure too. */
  async ask(inquiry: Inquiry, context: RequestContext, sendsTag?: boolean): Promise<Asked> {
    const { client } = this.#options;
    const { request, step } = inquiry;
    const fillers = step.kind === 'other-company' ? step.fillers : await this.#fillersFor(request, sendsTag);
    const rules = await this.#records.rules();
    const question = withFillers(request, fillers);
    let attempt: Attempt | undefined;
    try {
      const payload = await client.fetchMetrics(
        questionOf(question, this.#options.database.catalogue),
        this.#gate.contextOf(context.lane, context, true, async (each) => {
          context.tally.calls++;
          if (each.outcome === 'answered') attempt = each;
          else await this.logAttempt(describe(request, context), each);
        }),
      );
      const answer = decodeAnswer(payload, question, this.#options.database.catalogue);
      this.#entitlements.grant(codesOf(question));
      const outcome: Outcome = {
        kind: 'answered',
        values: answer.values,
        isCutShort: isCutShort(request, answer, rules),
      };
      return { inquiry, fillers, outcome, answer, attempt };
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      // An answer whose payload is no answer was a call all the same.
      if (attempt !== undefined) {
        const failed = { ...attempt, outcome: error.kind, message: error.message };
        await this.logAttempt(describe(request, context), failed);
      }
      this.#learnFrom(error, codesOf(question));
      return {
        ...{ inquiry, fillers, answer: undefined, attempt: undefined },
        outcome: { kind: 'failed', failure: error },
      };
    }
  }

  /** Where a request is wrong, and nobody knows whether tags may be left out, it is sent once more with one. */
  async askWithTagIfNeeded(inquiry: Inquiry, context: RequestContext): Promise<Asked> {
    const asked = await this.ask(inquiry, context);
    const { request } = inquiry;
    if (this.#options.mayRefuseEmptyTags !== true || request.tags.length > 0) return asked;
    const { outcome } = asked;
    if (
      outcome.kind === 'answered' &&
      asked.fillers.tag === undefined &&
      (await this.#records.isTagsOpen())
    ) {
      await this.#records.noteEmptyTags('accepted', 'a request without tags was answered');
    }
    const isWrong = outcome.kind === 'failed' && outcome.failure.kind === 'bad-request';
    if (!isWrong || !(await this.#records.isTagsOpen())) return asked;
    if (mayExceed(request, (await this.#records.rules()).limit)) return asked;
    await this.#gate.admit(context.lane, context);
    const again = await this.ask(inquiry, context, true);
    if (again.outcome.kind === 'failed' && again.outcome.failure.kind !== 'no-data') return asked;
    await this.#records.noteEmptyTags('refused', 'a request was wrong without tags, and answered with one');
    return again;
  }

  /** Codes that the subscription does not include, and those that the version of the API does not have. */
  async refusedOrUnserved(): Promise<ReadonlySet<MetricCode | TagCode>> {
    const { catalogue } = this.#options.database;
    return new Set([...(await this.#entitlements.refused()), ...catalogue.unserved(catalogue.codes)]);
  }

  async logAttempt(
    what: Pick<RequestLogEntry, 'what' | 'lane' | 'granularity' | 'interval' | 'tokens' | 'metrics'>,
    { outcome, code, milliseconds, message }: Attempt,
  ): Promise<void> {
    const { database, clock } = this.#options;
    await logRequest(database, { ...what, outcome, code, milliseconds, message, at: clock.now() });
  }

  async #fillersFor(request: DataRequest, sendsTag?: boolean): Promise<FillerCodes> {
    const { extraRecords } = await this.#records.rules();
    const known = {
      refused: await this.refusedOrUnserved(),
      granted: this.#entitlements.granted,
    };
    return fillersFor(request, known, sendsTag ?? extraRecords > 0);
  }

  /** Learns from a failure about the subscription: with code 203 the API found the codes in order. */
  #learnFrom({ kind }: ApiFailure, codes: readonly (MetricCode | TagCode)[]): void {
    if (kind === 'metric-refused') this.#entitlements.doubt(codes);
    else if (kind === 'no-data') this.#entitlements.grant(codes);
  }
}
