import { type CommonRedisOptions, Redis } from 'ioredis';
import { TryLaterError, UserError } from '../errors.ts';
import { parseSentinelAddress, redisServerOf } from '../redis-address.ts';
import { readRefusal } from './redis-greeting.ts';

/** The server of a queue in Redis: how it is reached, and whether it will do. */

type Options = Pick<
  CommonRedisOptions,
  'connectTimeout' | 'keepAlive' | 'lazyConnect' | 'maxRetriesPerRequest' | 'retryStrategy' | 'socketTimeout'
> & { readonly sentinelRetryStrategy: (times: number) => number | null };

/** A client of the server that an address names, or that its Sentinels name. */
export function createRedis(address: string, options: Options): Redis {
  const found = parseSentinelAddress(address);
  if (found === undefined) return new Redis(address, options);
  const { sentinels, name, database, isEncrypted, username, password } = found;
  const { sentinelUsername, sentinelPassword } = found;
  return new Redis({
    ...options,
    ...{ sentinels: [...sentinels], name, db: database },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(isEncrypted ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
  });
}

/** Facts that a Redis tells of itself. */
export interface RedisFacts {
  readonly version: string;
  /** Its behaviour when its memory is full; a queue wants `noeviction`. */
  readonly evictionPolicy: string | undefined;
}

export const isEvicting = (policy: RedisFacts['evictionPolicy']) =>
  policy !== undefined && policy !== 'noeviction';

/**
 * Asks once, without BullMQ's endless patience, so that a wrong address is an error and no silence.
 * @throws UserError or TryLaterError where it cannot be used
 */
export async function probeRedis(address: string): Promise<RedisFacts> {
  const server = redisServerOf(address);
  const probe = createRedis(address, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    connectTimeout: 5000,
    socketTimeout: 5000,
  });
  let reason = 'no answer';
  probe.on('error', (error) => {
    reason = error.message || reason;
  });
  try {
    await probe.connect();
    await probe.select(probe.options.db ?? 0);
    const info = await probe.info();
    const field = (name: string) => new RegExp(`^${name}:(.*?)\\s*$`, 'm').exec(info)?.[1];
    if (field('cluster_enabled') === '1') throw cluster(server);
    return { version: field('redis_version') ?? '?', evictionPolicy: field('maxmemory_policy') };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const message = error instanceof Error && !/closed/i.test(error.message) ? error.message : reason;
    throw explain((await refusalBehind(message, address)) ?? message, server);
  } finally {
    probe.disconnect();
  }
}

const cluster = (server: string) =>
  new UserError(
    `REDIS_URL: ${server} is a Redis Cluster, which spreads keys over servers; a queue needs all of its keys on one. ` +
      'Use a Redis that is no cluster, alone or with Sentinels, or leave REDIS_URL unset: the queue is then in the database',
  );

/** Some words of the server are lost where it turns connections away: only the end of the connection is seen. */
async function refusalBehind(message: string, address: string): Promise<string | undefined> {
  return /DB index|NOAUTH|WRONGPASS|NOPERM|certificate|CERT_/i.test(message)
    ? undefined
    : readRefusal(address);
}

/** Redis tells its errors apart by the first word of their text (RESP, "Simple errors"). */
function explain(message: string, server: string): UserError | TryLaterError {
  if (/DB index/i.test(message)) return new UserError(`REDIS_URL: ${server} has no such database number`);
  if (/NOAUTH|WRONGPASS/.test(message))
    return new UserError(`REDIS_URL: ${server} refuses the user or its password`);
  if (/NOPERM/.test(message)) {
    return new UserError(
      `REDIS_URL: the user lacks rights on ${server} (${message}): see docs/operations.md`,
    );
  }
  if (/^DENIED/.test(message)) {
    return new UserError(
      `REDIS_URL: ${server} takes connections from its own machine only, for it runs in protected mode: it has no password. ` +
        'Give it one (`requirepass` in redis.conf, or a user of its own: see docs/operations.md), and write it into REDIS_URL',
    );
  }
  if (/max number of clients/.test(message)) {
    return new TryLaterError(`REDIS_URL: ${server} has all the connections it takes; raise its maxclients`);
  }
  if (/certificate|CERT_/i.test(message)) {
    return new UserError(
      `REDIS_URL: the certificate of ${server} is not trusted (${message}); ` +
        'name the file of its authority in NODE_EXTRA_CA_CERTS',
    );
  }
  return new TryLaterError(
    `REDIS_URL: no Redis answers at ${server} (${message}); start it, or leave REDIS_URL unset`,
  );
}
