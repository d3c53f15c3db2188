import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { pino } from 'pino';
import type { TestProject } from 'vitest/node';
import { bundleProgram } from '../../harness/program.ts';
import { systemClock } from '../../src/clock.ts';
import { Database } from '../../src/store/connection/database.ts';
import { startEmbedded } from '../../src/store/connection/embedded/index.ts';
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
  }
}

const releasers: (() => Promise<void>)[] = [];

export async function setup(project: TestProject): Promise<void> {
  const program = await bundleProgram();
  releasers.push(async () => program.remove());
  const plain = await startPlain();
  const timescale = await findTimescale();
  const redis = await findRedis();
  if (timescale === null && process.env.REQUIRE_TIMESCALE === '1') {
    throw new Error(
      'REQUIRE_TIMESCALE=1, but TEST_DATABASE_URL names no server with TimescaleDB and Docker has none',
    );
  }
  if (redis === null && process.env.REQUIRE_REDIS === '1') {
    throw new Error('REQUIRE_REDIS=1, but there is neither TEST_REDIS_URL nor redis-server nor Docker');
  }
  project.provide('program', program.cli);
  project.provide('plainUrl', plain);
  project.provide('timescaleUrl', timescale);
  project.provide('redisUrl', redis);
  project.provide('plainTemplate', await createTemplate(plain));
  project.provide('timescaleTemplate', timescale === null ? '' : await createTemplate(timescale));
  process.stderr.write(
    `tests run on plain PostgreSQL${timescale ? ', TimescaleDB' : ''}${redis ? ', Redis' : ''}` +
      `${timescale ? '' : '; no TimescaleDB: its suites are skipped'}${redis ? '' : '; no Redis: its suites are skipped'}\n`,
  );
}

export async function teardown(): Promise<void> {
  for (const release of releasers.reverse()) await release();
}

async function startPlain(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cryptoracle-test-'));
  // The server's account must get in.
  spawnSync('chmod', ['755', folder]);
  const embedded = await startEmbedded(folder, pino({ level: 'silent' }), {
    max_connections: '300',
    fsync: 'off',
  });
  releasers.push(async () => {
    await embedded.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return embedded.url;
}

/**
 * Migrates a database once for all tests. Nobody may connect to it afterwards, TimescaleDB's workers neither: one that is in
 * use cannot be copied.
 * @returns its name
 */
async function createTemplate(serverUrl: string): Promise<string> {
  const name = `template_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  releasers.push(async () => {
    await client.query(`drop database ${name}`);
    await client.end();
  });
  await client.query(`create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const database = new Database(url.href, { connections: 2 });
  await migrate(database, systemClock, pino({ level: 'silent' }));
  await database.close();
  await client.query(`alter database ${name} allow_connections false`);
  await client.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [
    name,
  ]);
  return name;
}

async function findTimescale(): Promise<string | null> {
  const given = process.env.TEST_DATABASE_URL;
  if (given !== undefined && given !== '') return (await hasTimescale(given)) ? given : null;
  try {
    const { GenericContainer, Wait } = await import('testcontainers');
    const container = await new GenericContainer('timescale/timescaledb:2.23.1-pg17')
      .withEnvironment({ POSTGRES_PASSWORD: 'test' })
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
      .start();
    releasers.push(async () => {
      await container.stop();
    });
    return `postgresql://postgres:test@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
  } catch {
    return null;
  }
}

async function hasTimescale(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query(
      "select from pg_settings where name = 'timescaledb.disable_load'",
    );
    return rowCount === 1;
  } finally {
    await client.end();
  }
}

async function findRedis(): Promise<string | null> {
  const given = process.env.TEST_REDIS_URL;
  if (given !== undefined && given !== '') return given;
  if (spawnSync('redis-server', ['--version']).status === 0) return startRedis();
  try {
    const { GenericContainer } = await import('testcontainers');
    const container = await new GenericContainer('redis:7-alpine').withExposedPorts(6379).start();
    releasers.push(async () => {
      await container.stop();
    });
    return `redis://${container.getHost()}:${container.getMappedPort(6379)}`;
  } catch {
    return null;
  }
}

async function startRedis(): Promise<string> {
  const port = await freePort();
  const server: ChildProcess = spawn(
    'redis-server',
    [
      '--port',
      String(port),
      '--save',
      '',
      '--appendonly',
      'no',
      '--bind',
      '127.0.0.1',
      '--maxmemory-policy',
      'noeviction',
    ],
    { stdio: 'ignore' },
  );
  releasers.push(async () => {
    server.kill('SIGKILL');
  });
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: 100 });
  redis.on('error', () => {});
  await redis.ping();
  redis.disconnect();
  return `redis://127.0.0.1:${port}`;
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? done(address.port) : fail()));
    });
  });
}
