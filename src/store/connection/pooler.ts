import pg from 'pg';
import { TryLaterError, UserError } from '../../errors.ts';
import type { Milliseconds } from '../../time.ts';
import { errorCode } from './errors.ts';

/**
 * Poolers between us and the server, such as PgBouncer. One that lends a client a server's session for as long as the
 * client stays is as good as the server. One that lends it for a transaction is not: settings and advisory locks would
 * belong to whoever comes next.
 */

/** How long a second connection may take to come and to answer. */
const usualPatience: Milliseconds = 10_000;

/** Others may use the same pooler: within one round they can hide that it passes sessions on. */
const rounds = 5;

/** PgBouncer's code for what it does not do, such as transactions in statement mode. */
const protocolViolation = '08P01';

/**
 * Makes sure that a connection keeps its session. Asks with a second connection, and only where a pooler is between:
 * it hands out keys of its own for cancelling, which do not name the server's process.
 *
 * @param backend the server's process behind the first connection
 * @param server its address, for people
 * @throws UserError where sessions are passed on; TryLaterError where the pooler has no second connection
 */
export async function requireSessions(
  first: pg.ClientBase,
  backend: number,
  config: pg.ClientConfig,
  server: string,
  patience: Milliseconds = usualPatience,
): Promise<void> {
  if (!('processID' in first) || first.processID === backend) return;
  const second = new pg.Client({ ...config, connectionTimeoutMillis: patience, query_timeout: patience });
  second.on('error', () => {});
  try {
    await second.connect();
    for (let round = 0; round < rounds; round++) {
      if (await isPassedOn(first, backend, second, patience)) throw refusal(server);
    }
  } catch (error) {
    // Errors with a code say more; without one nothing came in time.
    if (error instanceof UserError || errorCode(error) !== undefined) throw error;
    throw new TryLaterError(
      `DATABASE_URL: the pooler at ${server} gave no second connection within ${patience / 1000} s; ` +
        'a process needs some twenty: raise its pool size (PgBouncer: default_pool_size)',
      { cause: error },
    );
  } finally {
    void second.end().catch(() => {});
  }
}

/** Whether the second connection gets the session of the first, or drives the first to another one. */
async function isPassedOn(
  first: pg.ClientBase,
  backend: number,
  second: pg.Client,
  patience: Milliseconds,
): Promise<boolean> {
  try {
    await second.query('begin');
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === protocolViolation) return true;
    throw error;
  }
  if ((await backendBehind(second, patience)) === backend) return true;
  const isSame = (await backendBehind(first, patience)) === backend;
  await second.query('rollback');
  return !isSame;
}

async function backendBehind(client: pg.ClientBase, patience: Milliseconds): Promise<number | undefined> {
  // node-postgres takes the limit; its types do not know it.
  const statement = { text: 'select pg_backend_pid() as pid', query_timeout: patience };
  const { rows } = await client.query<{ pid: number }>(statement);
  return rows[0]?.pid;
}

const refusal = (server: string) =>
  new UserError(
    `DATABASE_URL: the pooler at ${server} passes sessions from one client to another after each transaction, and ` +
      'with them settings and advisory locks. Use its session mode (PgBouncer: pool_mode = session for this database; ' +
      "many hosts have it at a port of its own), or the server's own address",
  );
