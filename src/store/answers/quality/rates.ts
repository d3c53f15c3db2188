import type { Instant } from '../../../time.ts';

/**
 * A rule that fires on many rows does not find odd values: it is itself wrong for these data, such as a share that the
 * vendor has begun to send in percent. Pure: what a rule's rate becomes when more rows were checked.
 */

/** A rule that fires on a larger share of the rows is suspended. */
const mostFired = 0.05;

/** One that fires on a smaller share makes notes again. */
const fewEnough = mostFired / 2;

/** Rows below which a share says little: five windows of all tokens. */
const fewestRows = 1000;

/** Rows after which what was counted is halved, so that the share is one of recent rows: a week of 15m windows. */
const mostRows = 130_000;

/** How often a rule fired lately. */
export interface Rate {
  readonly rowsChecked: number;
  readonly rowsFound: number;
  /** Since when the rule is suspended; milliseconds since the epoch. `null`: it is not. */
  readonly suspendedSince: number | null;
}

export const noRate: Rate = { rowsChecked: 0, rowsFound: 0, suspendedSince: null };

/** The share of the rows on which the rule fired, 0 to 1. */
export function shareOf({ rowsChecked, rowsFound }: Pick<Rate, 'rowsChecked' | 'rowsFound'>): number {
  return rowsChecked === 0 ? 0 : rowsFound / rowsChecked;
}

/**
 * The rate after more rows were checked.
 * @param found on how many of `rows` the rule fired
 * @param now milliseconds since the epoch
 */
export function nextRate(rate: Rate, rows: number, found: number, now: Instant): Rate {
  const kept = rate.rowsChecked > mostRows ? 0.5 : 1;
  const rowsChecked = rate.rowsChecked * kept + rows;
  const rowsFound = rate.rowsFound * kept + found;
  const share = shareOf({ rowsChecked, rowsFound });
  const isWrong = rowsChecked >= fewestRows && share > mostFired;
  const isWell = share < fewEnough;
  const suspendedSince = isWrong ? (rate.suspendedSince ?? now) : isWell ? null : rate.suspendedSince;
  return { rowsChecked, rowsFound, suspendedSince };
}
