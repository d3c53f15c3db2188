/**
 * The limit of records where larger requests are refused as wrong (code 201): the page names a limit, and leaves open
 * whether it holds. Sizes are in records, by the unit that counts.
 */

/** What became of one request and its parts, as far as they have been asked. */
export interface Division {
  /** Size of the smallest that was refused as wrong; infinite while none was. */
  refused: number;
  /** Size of the largest that was answered. */
  answered: number;
}

/** How many requests must be answered in parts only, for a lower limit to be believed. */
const enoughDivisions = 2;

/** Steps in which a limit is looked for: vendors choose round numbers. */
const steps = [500, 100, 10, 1] as const;

/** Gathers what sizes the API refuses and answers. A part that is wrong for another reason leaves failures, and is no sign. */
export class RefusedSizes {
  #largestAnswered = 0;
  #smallestRefused = Number.POSITIVE_INFINITY;
  #divisions = 0;

  /**
   * Notes a request all of which was answered, if need be in parts.
   *
   * @returns the limit to keep to from now on; `undefined` where nothing new shows
   */
  note({ refused, answered }: Division): number | undefined {
    this.#largestAnswered = Math.max(this.#largestAnswered, answered);
    if (!Number.isFinite(refused) || refused <= this.#largestAnswered) return undefined;
    this.#smallestRefused = Math.min(this.#smallestRefused, refused);
    this.#divisions++;
    if (this.#divisions < enoughDivisions || this.#smallestRefused <= this.#largestAnswered) return undefined;
    this.#divisions = 0;
    return Math.max(this.#largestAnswered, roundBelow(this.#smallestRefused));
  }
}

/** The roundest number below: a limit that is still too high shows in its turn. */
function roundBelow(size: number): number {
  const step = steps.find((each) => each < size) ?? 1;
  return Math.floor((size - 1) / step) * step;
}
