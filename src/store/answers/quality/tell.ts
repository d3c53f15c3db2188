import type { Logger } from 'pino';
import type { CheckResult } from './check.ts';

/** Says in the log what checks found: how many notes, and which rules were suspended with what they had found. */
export function tellChecks(log: Logger, { added, changes }: CheckResult): void {
  for (const { granularity, metric, note, isSuspended, share, examples } of changes) {
    const rule = { granularity, metric, note, rowsPercent: Math.round(share * 1000) / 10 };
    if (isSuspended) {
      log.warn(
        { ...rule, examples },
        'a quality rule fires on too many rows to be right: it is suspended and its notes are removed, see quality_rules',
      );
    } else {
      log.info(rule, 'a quality rule that was suspended fires seldom again: it makes notes');
    }
  }
  if (added > 0) log.info({ notes: added }, 'some values are hard to believe: see quality_notes');
}
