import type { Granularity } from '../../catalog/index.ts';
import { type DailyNeed, dailyNeed } from '../../planning/budget.ts';
import type { Instant } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { readDesiredScope, type StatedScope } from './desired-scope.ts';
import { type RecordSettings, readRecordRules, statedRecords } from './record-rules.ts';
import { readScope } from './scope.ts';

/**
 * The calls that what is wanted takes in a day. What the pipeline was told counts, not what this process was: its newest
 * windows need them.
 */
export async function readDailyNeed(
  database: Database,
  stated: StatedScope & RecordSettings & { readonly lookbackWindows: number },
  now: Instant,
): Promise<DailyNeed> {
  const desired = await readDesiredScope(database, { ...stated, given: new Set() });
  const { tokensOf, metrics } = await readScope(database, { ...stated, ...desired }, now);
  const tokensIn = (granularity: Granularity) => tokensOf(granularity).length;
  const { limit, unit } = await readRecordRules(database, statedRecords(stated));
  return dailyNeed({
    ...{ ...stated, ...desired, tokensIn, metrics: metrics.length },
    ...{ recordLimit: limit, recordUnit: unit },
  });
}
