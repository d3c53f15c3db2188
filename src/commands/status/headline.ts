import type { Filling } from '../../store/reports/filling.ts';
import type { Trouble } from '../../store/reports/troubles.ts';
import { counted, duration } from '../output.ts';
import type { Times } from '../times.ts';

/** The first lines of a status, as they stand at a terminal; pure. */

/** @returns the trouble, and the remedy for it */
export function describeTrouble(
  trouble: Trouble,
  { minute }: Times,
): readonly [what: string, remedy: string] {
  const { headline, since, detail, remedy, again } = trouble;
  const began = since === undefined ? '' : ` since ${minute(since)}`;
  const next = again === undefined ? '' : `; asked again ${minute(again)}`;
  return [`${headline.toUpperCase()}${began}: ${detail}`, `${remedy}${next}`];
}

/** 'filling 3.6 %, 14 h left' @param isPaused whether a person has laid all history aside */
export function describeFilling({ share, left, secondsLeft }: Filling, isPaused: boolean): string {
  // Never rounded up to all.
  const percent = (Math.floor(share * 1000) / 10).toFixed(1);
  if (isPaused) return `filled ${percent} %, ${counted(left, 'value')} left when history is resumed`;
  return secondsLeft === undefined
    ? `filling ${percent} %, ${counted(left, 'value')} left; nothing was filled in the last ten minutes: is \`start\` running?`
    : `filling ${percent} %, ${duration(secondsLeft)} left`;
}
