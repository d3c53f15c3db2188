import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase } from '../../../harness/databases.ts';
import { DebianServer } from '../../../harness/debian-server.ts';
import { silent } from '../../../harness/servers.ts';
import { systemClock } from '../../../src/clock.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { createReader } from '../../../src/store/setup/readers.ts';
import type { World } from '../../world.ts';

/** A primary and a standby that streams from it, of this machine's own PostgreSQL, and a reader's login. */

const reader = { name: 'bench_reader', password: 'of-the-bench' } as const;

/** Everybody but the owner gives a password. */
const accessRules = [
  'host all postgres 127.0.0.1/32 trust',
  'host replication postgres 127.0.0.1/32 trust',
  'host all all 127.0.0.1/32 scram-sha-256',
];

export interface Pair {
  readonly primary: Database;
  /** The same database on the standby, for its owner. */
  readonly standby: Database;
  /** The standby for the reader's login, by its address. */
  readonly reader: string;
  /** The servers, as results name them. */
  readonly name: string;
  stop(): Promise<void>;
}

/** @param preloads settings of a server with TimescaleDB, or none */
export async function startPair(
  world: World,
  bin: string,
  preloads: Readonly<Record<string, string>>,
): Promise<Pair> {
  const rules = join(world.folder('rules'), 'pg_hba.conf');
  writeFileSync(rules, `${accessRules.join('\n')}\n`);
  const settings = {
    ...{ fsync: 'on', max_connections: '120', hot_standby_feedback: 'on', hba_file: rules },
    ...preloads,
  };
  const releasers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const release of releasers.reverse()) await release();
  };
  const open = (url: string, connections: number) => {
    const database = new Database(url, { connections });
    releasers.push(() => database.close());
    return database;
  };
  try {
    const first = await DebianServer.start(bin, settings);
    releasers.push(() => first.stop());
    const { url, name } = await createDatabase(first.url);
    const primary = open(url, 12);
    await migrate(primary, systemClock, silent);
    await createReader(primary, reader.name, { password: reader.password, timeout: 60_000 });
    const second = await DebianServer.standbyOf(first, settings);
    releasers.push(() => second.stop());
    const address = new URL(second.url);
    address.pathname = `/${name}`;
    const standby = open(address.href, 4);
    Object.assign(address, { username: reader.name, password: reader.password });
    return { primary, standby, reader: address.href, name: await nameOf(primary), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function nameOf(database: Database): Promise<string> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select concat('PostgreSQL ', split_part(current_setting('server_version'), ' ', 1),
       (select ' with TimescaleDB ' || extversion from pg_extension where extname = 'timescaledb')) as name`,
  );
  return rows[0]?.name ?? 'PostgreSQL';
}
