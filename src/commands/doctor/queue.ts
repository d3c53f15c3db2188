import { TryLaterError } from '../../errors.ts';
import { isEvicting, probeRedis } from '../../queue/redis-server.ts';
import { isQueueMigrated } from '../../queue/schema.ts';
import { redisServerOf } from '../../redis-address.ts';
import { remedies } from '../../store/reports/troubles.ts';
import type { Runtime } from '../runtime.ts';
import type { FoundDatabase } from './database.ts';
import { type Finding, failedWith, ok, skipped, warning } from './finding.ts';

/** Checks where the queue is kept. Changes nothing. */
export async function checkQueue({ settings }: Runtime, found: FoundDatabase): Promise<Finding> {
  try {
    return settings.redisUrl === undefined ? await inDatabase(found) : await inRedis(settings.redisUrl);
  } catch (error) {
    // A mistake in the settings says by itself what to do.
    return failedWith('queue', error, error instanceof TryLaterError ? remedies.queue : undefined);
  }
}

async function inRedis(url: string): Promise<Finding> {
  const { version, evictionPolicy } = await probeRedis(url);
  const message = `Redis ${version} at ${redisServerOf(url)}`;
  if (!isEvicting(evictionPolicy)) return ok('queue', message);
  return warning(
    'queue',
    `${message} drops keys when its memory is full (${evictionPolicy})`,
    'set `maxmemory-policy noeviction`; what is dropped is planned again, but later',
  );
}

async function inDatabase({ database, isCurrent }: FoundDatabase): Promise<Finding> {
  if (database === undefined) return skipped('queue', 'it is in the database');
  if (isCurrent && (await isQueueMigrated(database))) return ok('queue', 'in the database');
  return warning(
    'queue',
    'in the database, where it has no tables yet',
    'run `migrate`; the first start does it, too',
  );
}
