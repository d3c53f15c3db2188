/** Why a cell that is wanted has no value. */

export const gapReasons = [
  'not asked yet',
  'failed',
  'suspect',
  'not entitled',
  'quarantined',
  'dropped here',
  'not in this API version',
  'empty at the source',
  "before the token's history",
  'not available',
] as const;

export type GapReason = (typeof gapReasons)[number];

/** Reasons of gaps that can still be filled, or need a person. */
export const openReasons: readonly GapReason[] = gapReasons.slice(0, 6);
