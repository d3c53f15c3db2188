import type { Answer } from '../api/decode.ts';
import { type Granularity, windowLength } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { DataRequest } from '../planning/request.ts';
import { readNewestRow } from '../store/answers/rows.ts';
import type { Database } from '../store/connection/database.ts';

/** For how long a value shows that the API is well, in milliseconds; a shorter time than `believeLacking` asks for. */
const holdsFor = 60_000;

/** Whether the answer brings nothing of what was asked, and nothing that could not be stored either. */
export function bringsNothing(
  { metrics, tags }: DataRequest,
  answer: Pick<Answer, 'rows' | 'tags' | 'rejects' | 'moreRejects'>,
): boolean {
  if (answer.rejects.length + answer.moreRejects > 0) return false;
  if (answer.tags.some(({ tag }) => tags.includes(tag))) return false;
  return metrics.length === 0 || answer.rows.every(({ values }) => values.every((value) => value === null));
}

/**
 * Whether the API gives values at all while it answers some requests with nothing. Where none came for a minute, a
 * control is asked: a window that is known to have a value.
 */
export class Evidence {
  readonly #database: Database;
  readonly #clock: Clock;
  /** When a value of a granularity last came, and when it was last asked for as a control. */
  readonly #valued = new Map<Granularity, number>();
  readonly #asked = new Map<Granularity, number>();
  /** Granularities in which nothing came after the last value. */
  readonly #open = new Set<Granularity>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  note(granularity: Granularity, isNothing: boolean): void {
    if (isNothing) {
      this.#open.add(granularity);
      return;
    }
    this.#valued.set(granularity, this.#clock.now());
    this.#open.delete(granularity);
  }

  /** Granularities in which no value has come since an answer with nothing. */
  get open(): readonly Granularity[] {
    return [...this.#open];
  }

  /**
   * The control that is to be asked, if any.
   * @param isUrgent whether it is asked however short a time ago a value came
   */
  async control(granularity: Granularity, isUrgent: boolean): Promise<DataRequest | undefined> {
    const now = this.#clock.now();
    const isFresh = (at: number | undefined) => at !== undefined && Math.abs(now - at) < holdsFor;
    if (!isUrgent && (isFresh(this.#valued.get(granularity)) || isFresh(this.#asked.get(granularity)))) {
      return undefined;
    }
    this.#asked.set(granularity, now);
    const row = await readNewestRow(this.#database, granularity);
    const metric = this.#database.catalogue.codes.find(
      (_, position) => (row?.values[position] ?? null) !== null,
    );
    if (row === undefined || metric === undefined) return undefined;
    const interval = { start: row.time, end: row.time + windowLength[granularity] };
    return { granularity, tokens: [row.token], metrics: [metric], tags: [], interval };
  }
}
