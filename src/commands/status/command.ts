import { Command } from 'commander';
import type { Token } from '../../catalog/index.ts';
import { TryLaterError, UserError } from '../../errors.ts';
import type { Database } from '../../store/connection/database.ts';
import { readDesiredScope } from '../../store/ledger/desired-scope.ts';
import { noticeDropped } from '../../store/ledger/dropped.ts';
import { requireKnownTokens } from '../../store/ledger/scope.ts';
import { readFilling } from '../../store/reports/filling.ts';
import { readTokenFreshness } from '../../store/reports/freshness.ts';
import { missesOf } from '../../store/reports/objective.ts';
import { readCurrentStatus, type Status, statusToJson } from '../../store/reports/status.ts';
import { freeBytesOn, readTroubleFacts } from '../../store/reports/trouble-facts.ts';
import { type Trouble, troublesOf, troubleToJson } from '../../store/reports/troubles.ts';
import { parseTokens } from '../options.ts';
import { printJson } from '../output.ts';
import { type CommandContext, runCommand } from '../run.ts';
import type { Runtime } from '../runtime.ts';
import { timesIn, utcOption } from '../times.ts';
import { inDays, print } from './describe.ts';
import { parseShare, parseWindows, printMisses } from './objective.ts';
import { printTokens } from './tokens.ts';

interface StatusOptions {
  readonly utc?: true;
  readonly json?: true;
  readonly check?: true;
  readonly maxBehind: number;
  readonly minComplete: number;
  readonly token?: readonly Token[] | 'all';
}

export const statusCommand = new Command('status')
  .option(...utcOption)
  .option('--json', 'print the result as JSON')
  .option('--token <list>', 'how fresh these tokens are, or all of them', parseTokens)
  .option('--check', 'exit with 1 where the objective is missed, and say how')
  .option('--max-behind <n>', 'with --check: most windows that the newest one may be behind', parseWindows, 1)
  .option(
    '--min-complete <share>',
    'with --check: least share that is answered, such as 99.9 (percent) or 0.999',
    parseShare,
    0,
  )
  .addHelpText(
    'after',
    `
--check also fails where the API refuses access, nothing was ever stored, or
fewer tokens than usual have a value. Exit code 0: the objective is met.`,
  )
  .action((options: StatusOptions) => runCommand((context) => status(options, context)));

async function status(options: StatusOptions, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openExistingDatabase(4);
  const now = runtime.clock.now();
  const json = options.json === true;
  const times = timesIn(options.utc);
  if (options.token !== undefined) {
    await requireKnownTokens(database, options.token, '--token');
    return printTokens(await readTokenFreshness(database, options.token), json, times);
  }
  const desired = await readDesiredScope(database, runtime.settings);
  await requireKnownTokens(database, desired.tokens, 'TOKENS');
  await noticeDropped(database, now, { refetch: runtime.settings.refetchDropped });
  const current = await readCurrentStatus(database, desired, now);
  const { keepNotes } = runtime.settings;
  const troubles = await findTroubles(runtime, database, current);
  const filling = await readFilling(database, current.granularities, now);
  const misses = options.check === true ? missesOf(current, options) : [];
  if (json) {
    const kept = { keep: inDays({ ...desired.keep, ...keepNotes }) };
    const head = {
      troubles: troubles.map(troubleToJson),
      filling: filling === undefined ? null : { ...filling, secondsLeft: filling.secondsLeft ?? null },
    };
    printJson({ ...head, ...statusToJson(current), ...kept, ...(options.check === true && { misses }) });
  } else {
    print({ status: current, troubles, filling, desired, keepNotes, now }, times);
    if (options.check === true) printMisses(misses);
  }
  return misses.length === 0 ? 0 : 1;
}

async function findTroubles(
  { settings, clock }: Runtime,
  database: Database,
  current: Status,
): Promise<readonly Trouble[]> {
  const { databaseUrl, dataDir, redisUrl } = settings;
  return troublesOf({
    status: current,
    ...(await readTroubleFacts(database, clock)),
    queueProblem: redisUrl === undefined ? undefined : await problemOfRedis(redisUrl),
    diskFreeBytes: databaseUrl === undefined ? await freeBytesOn(dataDir) : undefined,
  });
}

/** The trouble with the Redis of the queue, as it is found by asking; `undefined` where it answers. */
async function problemOfRedis(url: string): Promise<string | undefined> {
  // Lazy: most have their queue in the database.
  const { probeRedis } = await import('../../queue/redis-server.ts');
  try {
    await probeRedis(url);
    return undefined;
  } catch (error) {
    if (error instanceof UserError || error instanceof TryLaterError) return error.message;
    throw error;
  }
}
