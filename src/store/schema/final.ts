import type { Granularity } from '../../catalog/index.ts';
import { recheckedFor } from '../../planning/windows.ts';
import { windowLengths } from './sql.ts';

/** Which windows the pipeline is done with, as SQL. */

/** The default of `LOOKBACK_WINDOWS`, for a database that was not told. */
const usualLookback = 4;

/**
 * Windows that start until then are final: the look-back asks for them no more, nor does the recheck of empty answers. The
 * last look-back begins when the window is the oldest of the newest ones that have settled.
 */
const finalUntil = (granularity: Granularity) =>
  `(now() - greatest(interval '${recheckedFor / 3_600_000} hours', coalesce(
    (select settle_delay + (coalesce(lookback_windows, ${usualLookback}) + 1) * ${windowLengths[granularity]}
     from cryptoracle.wanted where granularity = '${granularity}'),
    interval '15 minutes' + ${usualLookback + 1} * ${windowLengths[granularity]})))`;

/** Whether a window is final. @param time SQL of its start */
export const isFinal = (granularity: Granularity, time: string) => `${time} <= ${finalUntil(granularity)}`;
