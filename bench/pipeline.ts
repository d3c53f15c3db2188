import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Member } from '../harness/processes.ts';
import { formatBeijingDate } from '../src/beijing.ts';
import type { Database } from '../src/store/connection/database.ts';
import type { Milliseconds } from '../src/time.ts';
import type { Recorder } from './recorder/index.ts';
import type { World } from './world.ts';

/** The program's own processes, which ask the recorder. */

/** So long without a further call, a run is over. It does not count as part of it. */
const quietFor: Milliseconds = 3000;

/**
 * Starts `start` on a database.
 * @param settings differ from those of a fill as fast as it can be
 * @param clockAhead of its clock; behind where it is negative
 */
export async function startPipeline(
  world: World,
  recorder: Recorder,
  database: Database,
  settings: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  clockAhead: Milliseconds = 0,
): Promise<Member> {
  const folder = world.folder('start');
  // Read when the process starts.
  if (clockAhead !== 0) writeFileSync(join(folder, 'start.clock'), String(clockAhead));
  return new Member('start', await world.program(), ['start', ...args], folder, {
    DATABASE_URL: database.url,
    ...recorder.environment,
    HISTORY_START: formatBeijingDate(Date.now() - world.size.days * 86_400_000),
    TOKENS: world.tokens.join(),
    REQUESTS_PER_SECOND: '5000',
    FETCH_CONCURRENCY: '16',
    HTTP_PORT: '0',
    LOG_LEVEL: 'info',
    ...settings,
  });
}

/** Settles once calls have come, and come no more. */
export async function untilQuiet(recorder: Recorder): Promise<void> {
  for (let served = 0, quietSince = Date.now(); ; await sleep(100)) {
    const now = (await recorder.control()).served;
    if (now !== served) quietSince = Date.now();
    served = now;
    if (served > 0 && Date.now() - quietSince > quietFor) return;
  }
}
