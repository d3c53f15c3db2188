/**
 * Units of time. The types keep an instant from being passed where a duration is wanted, and the other way round; a plain
 * number, such as the result of arithmetic, is accepted as either.
 */

/** Milliseconds since the epoch (UTC). */
export type Instant = number & { readonly unit?: 'instant' };

/** A duration in milliseconds. */
export type Milliseconds = number & { readonly unit?: 'duration' };
