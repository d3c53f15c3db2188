import type { Logger } from 'pino';
import type { Answer } from '../api/decode.ts';
import type { Clock } from '../clock.ts';
import { Packer, type PackingRules } from '../planning/packing.ts';
import { type DataRequest, recordsOf } from '../planning/request.ts';
import type { Database } from '../store/connection/database.ts';
import { readFacts, storeFact, withStated } from '../store/ledger/facts.ts';
import { rulesOf, type StatedRecords } from '../store/ledger/record-rules.ts';
import { lowerLimitOf, type ShownLimit } from './cut-short.ts';
import type { Outcome } from './inquiry.ts';
import { type Division, RefusedSizes } from './refused-sizes.ts';
import { SharedReading } from './shared-reading.ts';
import { halve } from './splitting.ts';

/** How long what the database says is taken from memory, in milliseconds. */
const rereadAfter = 1000;

/** In how many answers a lower limit must show before it is believed: a new token may cut one by chance. */
const enoughAnswers = 2;

/** The database's word on records. */
interface WhatIsKnown {
  readonly rules: PackingRules;
  /** Whether an answer has shown if a request without tags is accepted. */
  readonly isTagsShown: boolean;
}

/**
 * What counts as a record, how many an answer holds, and whether a request without tags is accepted: as settings say it, as
 * it was found, or as the API page has it. Learns from answers.
 */
export class Records {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stated: StatedRecords;
  readonly #packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
  /** How often a limit showed, by unit and number. */
  readonly #shown = new Map<string, number>();
  readonly #sizes = new RefusedSizes();
  #rules: PackingRules | undefined;
  #isTagsShown = false;
  readonly #reading = new SharedReading(
    () => this.#read(),
    (read) => this.#keepRead(read),
  );
  /** When the rules were read, by the machine's timer. */
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(database: Database, clock: Clock, log: Logger, stated: StatedRecords) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    this.#stated = stated;
  }

  async rules(): Promise<PackingRules> {
    if (this.#rules !== undefined && performance.now() - this.#readAt < rereadAfter) return this.#rules;
    return (await this.#reading.get()).rules;
  }

  async #read(): Promise<WhatIsKnown> {
    const facts = withStated(await readFacts(this.#database), this.#stated);
    return { rules: rulesOf(facts), isTagsShown: facts.empty_tags.found !== 'assumed' };
  }

  #keepRead({ rules, isTagsShown }: WhatIsKnown): void {
    this.#rules = rules;
    this.#isTagsShown = isTagsShown;
    this.#readAt = performance.now();
    this.#packer.follow(rules);
  }

  /** Has the rules read anew. */
  #forget(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
    this.#reading.forget();
  }

  /** The request in parts that keep to the limit: it may have been planned when another was known. */
  async divide(request: DataRequest): Promise<readonly DataRequest[]> {
    await this.rules();
    if (this.#packer.fits(request)) return [request];
    return request.tags.length === 0 ? this.#packer.pack(request) : this.#halves(request);
  }

  #halves(request: DataRequest): readonly DataRequest[] {
    const parts = this.#packer.fits(request) ? undefined : halve(request);
    return parts === undefined ? [request] : parts.flatMap((part) => this.#halves(part));
  }

  /** Notices a limit that is lower than the one that is known, where an answer was cut short. */
  async learnFromCut(request: DataRequest, answer: Answer): Promise<void> {
    const rules = await this.rules();
    const shown = lowerLimitOf(request, answer, rules);
    if (shown === undefined) return;
    const key = `${shown.unit} ${shown.limit}`;
    const times = (this.#shown.get(key) ?? 0) + 1;
    this.#shown.set(key, times);
    const detail = `${enoughAnswers} answers were cut short at ${shown.limit} ${shown.unit}s`;
    if (times === enoughAnswers) await this.#keep(shown, rules, detail);
  }

  /** Notes how large a request was that the API answered, or refused as wrong. */
  async noteSize(request: DataRequest, outcome: Outcome, division: Division): Promise<void> {
    const size = recordsOf(request, (await this.rules()).unit);
    if (outcome.kind === 'answered') {
      if (!outcome.isCutShort) division.answered = Math.max(division.answered, size);
    } else if (outcome.failure.kind === 'bad-request') {
      division.refused = Math.min(division.refused, size);
    }
  }

  /** Notices a limit that is lower than the one that is known, where requests are refused and their parts answered. */
  async learnFromDivision(division: Division): Promise<void> {
    const rules = await this.rules();
    const limit = this.#sizes.note(division);
    if (limit === undefined || limit >= rules.limit) return;
    const detail = `requests of ${division.refused} ${rules.unit}s were refused, and answered in parts`;
    await this.#keep({ limit, unit: rules.unit }, rules, detail);
  }

  async #keep({ limit, unit }: ShownLimit, before: PackingRules, detail: string): Promise<void> {
    const now = this.#clock.now();
    const found = 'answered';
    await storeFact(this.#database, { name: 'record_limit', value: limit, found, detail }, now);
    if (unit !== before.unit) {
      await storeFact(this.#database, { name: 'record_unit', value: unit, found, detail }, now);
    }
    this.#forget();
    const isStated = this.#stated.record_limit !== undefined;
    this.#log.warn(
      { limit, unit, before: before.limit },
      isStated
        ? 'the API gives fewer records in an answer than RECORD_LIMIT says: a lower one would save calls'
        : 'the API gives fewer records in an answer than was assumed: requests keep to the lower limit from now on',
    );
  }

  /** Whether nothing has shown yet whether a request without tags is accepted. */
  async isTagsOpen(): Promise<boolean> {
    await this.rules();
    return !this.#isTagsShown;
  }

  /** Keeps whether a request without tags is accepted. */
  async noteEmptyTags(value: 'accepted' | 'refused', detail: string): Promise<void> {
    this.#isTagsShown = true;
    const { isNew } = await storeFact(
      this.#database,
      { name: 'empty_tags', value, found: 'answered', detail },
      this.#clock.now(),
    );
    this.#forget();
    if (isNew && value === 'refused') {
      this.#log.warn('the API refuses requests without tags: one tag is sent along from now on');
    }
  }
}
