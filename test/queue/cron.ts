import { createRequire } from 'node:module';
import type { Granularity } from '../../src/catalog/index.ts';
import { timeZone } from '../../src/queue/schedules.ts';

/** When patterns fire, told by others than the code under test. */

/** The parser that BullMQ itself uses. */
interface CronParser {
  readonly CronExpressionParser: {
    parse(pattern: string, options: { currentDate: Date; tz: string }): { next(): { getTime(): number } };
  };
}
const here = createRequire(import.meta.url);
const { CronExpressionParser }: CronParser = createRequire(here.resolve('bullmq'))('cron-parser');

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const lengths: Readonly<Record<Granularity, number>> = {
  '15m': 15 * minute,
  '1h': hour,
  '4h': 4 * hour,
  '1d': day,
};

/** The next times after an instant at which BullMQ would let a pattern fire. */
export function firesAfter(instant: number, pattern: string, count: number): number[] {
  const expression = CronExpressionParser.parse(pattern, { currentDate: new Date(instant), tz: timeZone });
  return Array.from({ length: count }, () => expression.next().getTime());
}

/** When the windows of a granularity settle: their end and the delay, at a whole second. */
export function settlesAfter(
  instant: number,
  granularity: Granularity,
  delay: number,
  count: number,
): number[] {
  const midnight = Date.UTC(2020, 11, 31, 16);
  const length = lengths[granularity];
  const wait = Math.ceil(delay / 1000) * 1000;
  const first = Math.floor((instant - midnight - wait) / length) + 1;
  return Array.from({ length: count }, (_, index) => midnight + wait + (first + index) * length);
}
