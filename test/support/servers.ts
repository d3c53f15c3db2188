import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { withClient } from '../../harness/client.ts';
import { createDatabase } from '../../harness/databases.ts';
import { createTemporaryFolder, removeLeftovers } from '../../harness/leftovers.ts';
import { bundleProgram } from '../../harness/program.ts';
import { PostgresServer, RedisServer, silent } from '../../harness/servers.ts';
import { systemClock } from '../../src/clock.ts';
import { migrateQueue } from '../../src/queue/schema.ts';
import { Database } from '../../src/store/connection/database.ts';
import { migrate } from '../../src/store/setup/migrate.ts';

/**
 * The servers that the tests run against, started once for the whole run:
 * - plain PostgreSQL: the embedded one, always there;
 * - TimescaleDB: TEST_DATABASE_URL, or a container where Docker runs;
 * - Redis: TEST_REDIS_URL, a local `redis-server`, or a container.
 * Suites of a server that is not to be had are skipped, unless REQUIRE_TIMESCALE or REQUIRE_REDIS says otherwise.
 */
declare module 'vitest' {
  export interface ProvidedContext {
    plainUrl: string;
    timescaleUrl: string | null;
    redisUrl: string | null;
    /** Names of migrated databases, for tests to copy; empty where there is no such server. */
    plainTemplate: string;
    timescaleTemplate: string;
    /** The program, for `node` to run. */
    program: string;
    /** What `node` imports first where the clock shall be wrong. */
    skewedClock: string;
    /** What runs commands of it one after the other in one process. */
    commandHost: string;
  }
}

const releasers: (() => Promise<unknown>)[] = [];

/** The address of a server, or why there is none. */
type Found = { readonly url: string } | { readonly missing: string };

const urlOf = (found: Found) => ('url' in found ? found.url : null);

export async function setup(project: TestProject): Promise<void> {
  const removed = await removeLeftovers();
  if (removed > 0) process.stderr.write(`removed ${removed} leftovers of test runs that were killed\n`);
  // Beside one another: nothing else runs until they are there.
  const [program, plain, timescale, redis] = await Promise.all([
    bundleProgram().then((bundled) => {
      releasers.push(async () => bundled.remove());
      return bundled;
    }),
    startPlain(),
    findTimescale(),
    findRedis(),
  ]);
  insist('REQUIRE_TIMESCALE', 'TimescaleDB', timescale);
  insist('REQUIRE_REDIS', 'Redis', redis);
  const timescaleUrl = urlOf(timescale);
  project.provide('program', program.cli);
  project.provide('skewedClock', program.skewedClock);
  project.provide('commandHost', program.commandHost);
  project.provide('plainUrl', plain);
  project.provide('timescaleUrl', timescaleUrl);
  project.provide('redisUrl', urlOf(redis));
  const templates = [plain, timescaleUrl].map((url) => (url === null ? '' : createTemplate(url)));
  const [plainTemplate = '', timescaleTemplate = ''] = await Promise.all(templates);
  project.provide('plainTemplate', plainTemplate);
  project.provide('timescaleTemplate', timescaleTemplate);
  const servers = { 'plain PostgreSQL': { url: plain }, TimescaleDB: timescale, Redis: redis };
  process.stderr.write(`${describeServers(servers)}\n`);
}

function describeServers(servers: Readonly<Record<string, Found>>): string {
  const found = Object.keys(servers).filter((name) => servers[name] !== undefined && 'url' in servers[name]);
  const missing = Object.entries(servers).flatMap(([name, each]) =>
    'missing' in each ? `Suites of ${name} are skipped: ${each.missing}.` : [],
  );
  return [`Tests run on ${found.join(', ')}.`, ...missing].join(' ');
}

/** @throws Error where a server is missing that the environment requires */
function insist(setting: string, server: string, found: Found): void {
  if (process.env[setting] !== '1' || 'url' in found) return;
  throw new Error(`${setting}=1, but there is no ${server}: ${found.missing}`);
}

export async function teardown(): Promise<void> {
  for (const release of releasers.reverse()) await release();
}

/**
 * Who is let in how. To prove a password takes a fifth of a connection's time, and tests open thousands: the owner need not,
 * the logins that tests make do.
 */
const access = `
host all cryptoracle 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
`;

async function startPlain(): Promise<string> {
  const folder = createTemporaryFolder('access');
  const file = join(folder.path, 'pg_hba.conf');
  writeFileSync(file, access);
  const server = await PostgresServer.start({
    ...{ max_connections: '300', fsync: 'off', hba_file: file },
    // Plans depend on the statistics that a test makes, and not on who came by meanwhile.
    autovacuum: 'off',
  });
  releasers.push(async () => {
    await server.stop();
    folder.remove();
  });
  return server.url;
}

/**
 * Migrates a database once for all tests. Nobody may connect to it afterwards, not even TimescaleDB's workers: a database
 * that is in use cannot be copied.
 * @returns its name
 */
async function createTemplate(serverUrl: string): Promise<string> {
  const { url, name, drop } = await createDatabase(serverUrl);
  releasers.push(drop);
  const database = new Database(url, { connections: 2 });
  await migrate(database, systemClock, silent);
  // As the command does without REDIS_URL: to make it anew takes half as long as all the rest.
  await migrateQueue(database);
  await database.close();
  await withClient(serverUrl, async (client) => {
    await client.query(`alter database ${name} allow_connections false`);
    await client.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [
      name,
    ]);
  });
  return name;
}

async function findTimescale(): Promise<Found> {
  const given = process.env.TEST_DATABASE_URL;
  if (given !== undefined && given !== '') {
    return (await hasTimescale(given))
      ? { url: given }
      : { missing: 'the server of TEST_DATABASE_URL does not preload TimescaleDB' };
  }
  return inContainer('TEST_DATABASE_URL is not set', async () => {
    const { GenericContainer, Wait } = await import('testcontainers');
    const container = await new GenericContainer('timescale/timescaledb:2.23.1-pg17')
      .withEnvironment({ POSTGRES_PASSWORD: 'test' })
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
      .start();
    releasers.push(() => container.stop());
    return `postgresql://postgres:test@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
  });
}

/** Starts a server in a container. What keeps Docker from it is said rather than swallowed. */
async function inContainer(otherwise: string, start: () => Promise<string>): Promise<Found> {
  try {
    return { url: await start() };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { missing: `${otherwise}, and Docker: ${reason}` };
  }
}

function hasTimescale(url: string): Promise<boolean> {
  return withClient(url, async (client) => {
    const { rowCount } = await client.query(
      "select from pg_settings where name = 'timescaledb.disable_load'",
    );
    return rowCount === 1;
  });
}

async function findRedis(): Promise<Found> {
  const given = process.env.TEST_REDIS_URL;
  if (given !== undefined && given !== '') return { url: given };
  if (spawnSync('redis-server', ['--version']).status === 0) {
    const server = await RedisServer.start();
    releasers.push(() => server.stop());
    return { url: server.url };
  }
  return inContainer('TEST_REDIS_URL is not set, redis-server is not installed', async () => {
    const { GenericContainer } = await import('testcontainers');
    const container = await new GenericContainer('redis:7-alpine').withExposedPorts(6379).start();
    releasers.push(() => container.stop());
    return `redis://${container.getHost()}:${container.getMappedPort(6379)}`;
  });
}
