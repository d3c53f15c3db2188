import { setTimeout as sleep } from 'node:timers/promises';
import type { Member } from '../../../harness/processes.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import type { Milliseconds } from '../../../src/time.ts';
import { startPipeline } from '../../pipeline.ts';
import type { Recorder, Served } from '../../recorder/index.ts';
import type { World } from '../../world.ts';

/** A scheduler and workers as processes of their own, as they would run on several hosts. */

/** A pace that leaves the machine time to spare: what holds the workers is the limit, not the processor. */
export const callsPerSecond = 10;

/** So long without a further call, a run is over: it has less to ask for than it was to ask. */
const quietFor: Milliseconds = 10_000;

export interface Crew {
  readonly workers: number;
  /** Addresses other than the database's and the queue in it. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Starts them, lets them fill for a while, and ends them. @returns what the API saw meanwhile, a tenth of a second apart */
export async function fillBy(
  world: World,
  recorder: Recorder,
  database: Database,
  { workers, settings }: Crew,
): Promise<readonly Served[]> {
  await recorder.control({ reset: true });
  const own = {
    REQUESTS_PER_SECOND: String(callsPerSecond),
    FETCH_CONCURRENCY: '4',
    // What these ask for again is meant to be asked for again.
    ...{ LOOKBACK_WINDOWS: '0', AUDIT_REQUESTS_PER_DAY: '0' },
    ...settings,
  };
  const members: Member[] = [];
  try {
    // The workers are there before there is work for them.
    for (let worker = 0; worker < workers; worker++)
      members.push(await startPipeline(world, recorder, database, own, ['--role', 'worker']));
    await Promise.all(members.map((member) => member.ready()));
    members.push(await startPipeline(world, recorder, database, own, ['--role', 'scheduler']));
    return await watch(recorder, (world.size.watched / 2000) * callsPerSecond);
  } finally {
    await Promise.all(members.map((member) => member.stop()));
  }
}

/** Settles once so many calls have come, or come no more. */
async function watch(recorder: Recorder, calls: number): Promise<readonly Served[]> {
  const seen: Served[] = [];
  for (let quietSince = Date.now(); ; await sleep(100)) {
    const now = await recorder.control();
    if (now.served !== (seen.at(-1)?.served ?? 0)) quietSince = Date.now();
    seen.push(now);
    if (now.served >= calls || (now.served > 0 && Date.now() - quietSince > quietFor)) return seen;
  }
}

/**
 * Calls a second as the API saw them, without the first fifth, in which plans are made one after the other, and without the
 * last tenth, in which workers may run out of work.
 */
export function paceOf(seen: readonly Served[]): number {
  const total = seen.at(-1)?.served ?? 0;
  const from = seen.find(({ served }) => served >= total / 5 && served > 0);
  const to = seen.findLast(({ served }) => served <= total * 0.9) ?? seen.at(-1);
  if (from === undefined || to === undefined) return Number.NaN;
  return ((to.served - from.served) / (to.lastAt - from.lastAt)) * 1000;
}
