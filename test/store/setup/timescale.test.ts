import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { readTopMentions } from '../../../src/store/reports/top-mentions.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { createReader } from '../../../src/store/setup/readers.ts';
import { day, hour } from '../../support/clock.ts';
import {
  createEmptyDatabase,
  createTestDatabase,
  dropDatabase,
  rows,
  serverUrl,
  silent,
  value,
} from '../../support/database.ts';
import {
  answer,
  consensus,
  mentions,
  row,
  start,
  storedRevisions,
  storedRows,
} from '../answers/answering.ts';

const tables = ['metrics_15m', 'metrics_1d', 'metrics_1h', 'metrics_4h'];
const migrationsFolder = fileURLToPath(new URL('../../../migrations', import.meta.url));

/** A logger that keeps its warnings. */
function recorder() {
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).msg) });
  return { warnings, log };
}

const hypertables = (database: Database) =>
  rows(
    database,
    `select hypertable_name as name, compression_enabled as compressed
     from timescaledb_information.hypertables where hypertable_schema = 'cryptoracle' order by 1`,
  );

const compressAll = (database: Database, table = 'metrics_1h') =>
  database.pool.query(
    `select compress_chunk(chunk, if_not_compressed => true) from show_chunks('cryptoracle.${table}') as chunk`,
  );

/** Two tokens over three days, one value late, one changed. */
async function fill(database: Database): Promise<void> {
  const windows = Array.from({ length: 72 }, (_, number) => start + number * hour);
  const tokens = ['BTC', 'ETH'];
  const rowsOf = tokens.flatMap((token, position) =>
    windows.map((time, number) =>
      row(token, time, { [mentions]: number * (position + 1), [consensus]: 0.5 }),
    ),
  );
  const times = { to: start + 3 * day, observedFrom: start + day, receivedAt: start + 3 * day };
  await storeAnswer(database, answer({ tokens, rows: rowsOf.slice(1), ...times }));
  const changed = row('ETH', start + 50 * hour, { [mentions]: 4000 });
  await storeAnswer(
    database,
    answer({
      tokens,
      rows: [row('BTC', start, { [mentions]: 1 }), changed],
      ...times,
      receivedAt: start + 4 * day,
    }),
  );
}

describe.skipIf(serverUrl('TimescaleDB') === null)('with TimescaleDB', () => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase('TimescaleDB');
  });

  it('the metric tables are hypertables that are compressed by token, each with one policy', async () => {
    expect(await hypertables(database)).toEqual(tables.map((name) => ({ name, compressed: true })));
    const settings = await rows<{ name: string; attname: string; segment: number | null }>(
      database,
      `select hypertable_name as name, attname, segmentby_column_index as segment
       from timescaledb_information.compression_settings
       where hypertable_schema = 'cryptoracle' and segmentby_column_index is not null order by 1`,
    );
    expect(settings).toEqual(tables.map((name) => ({ name, attname: 'token', segment: 1 })));
    await migrate(database, systemClock, silent);
    const policies = await rows(
      database,
      `select hypertable_name as name, count(*)::int as policies from timescaledb_information.jobs
       where hypertable_schema = 'cryptoracle' and proc_name = 'policy_compression' group by 1 order by 1`,
    );
    expect(policies).toEqual(tables.map((name) => ({ name, policies: 1 })));
  });

  it('a migration says nothing that should worry', async () => {
    const { warnings, log } = recorder();
    await migrate(database, systemClock, log);
    expect(warnings).toEqual([]);
  });

  it('a compressed chunk still takes changed, new and late values', async () => {
    await fill(database);
    await compressAll(database);
    expect(
      await value<number>(
        database,
        `select count(*)::int from timescaledb_information.chunks
         where hypertable_name = 'metrics_1h' and is_compressed`,
      ),
    ).toBeGreaterThan(0);
    const before = await storedRows(database);
    const again = await storeAnswer(
      database,
      answer({ rows: [row('BTC', start + hour, { [mentions]: 1, [consensus]: 0.5 })] }),
    );
    expect(again).toEqual({ rowsWritten: 0, revisions: 0 });
    expect(await storedRows(database)).toEqual(before);
    const stored = await storeAnswer(
      database,
      answer({
        tokens: ['BTC', 'NEW'],
        from: start + hour,
        rows: [
          row('BTC', start + hour, { [mentions]: 77 }),
          row('BTC', start + 2 * hour, { [mentions]: 2 }),
          row('NEW', start + hour, { [mentions]: 5 }),
        ],
      }),
    );
    expect(stored).toEqual({ rowsWritten: 2, revisions: 1 });
    const after = await storedRows(database);
    expect(after).toHaveLength(before.length + 1);
    expect(after.find(({ token, time }) => token === 'BTC' && time.getTime() === start + hour)).toMatchObject(
      {
        mention_count: 77,
        sentiment_consensus: 0.5,
      },
    );
    expect((await storedRevisions(database)).at(-1)).toMatchObject({ token: 'BTC', old: 1, new: 77 });
  });

  it('readers call its functions by their bare names, in whichever schema they are', async () => {
    const url = await createEmptyDatabase('TimescaleDB');
    const elsewhere = new Database(url, { connections: 4 });
    const name = `test_reader_${randomBytes(6).toString('hex')}`;
    const earlier = `${name}_earlier`;
    const own = `${name}_own`;
    const logins = [name, earlier, own];
    try {
      await elsewhere.pool.query('create schema "of Its own"');
      await elsewhere.pool.query('create extension timescaledb schema "of Its own"');
      await migrate(elsewhere, systemClock, silent);
      for (const each of logins)
        await createReader(elsewhere, each, { password: 'of-a-test', timeout: 60_000 });
      // As an earlier version made it, and as its owner wants it.
      await elsewhere.pool.query(
        `alter role ${earlier} reset timezone; alter role ${earlier} set search_path = cryptoracle;
         alter role ${own} set timezone = 'Asia/Tokyo'; alter role ${own} set search_path = public`,
      );
      await migrate(elsewhere, systemClock, silent);
      for (const login of [name, earlier]) {
        const address = new URL(url);
        Object.assign(address, { username: login, password: 'of-a-test' });
        const reader = new pg.Client({ connectionString: address.href });
        await reader.connect();
        const { rows: days } = await reader.query(
          "select time_bucket('1 day', timestamptz '2025-06-01 15:00Z')::text as day",
        );
        expect(days).toEqual([{ day: '2025-06-01 00:00:00+00' }]);
        await reader.end();
      }
      const settings = await value<string[]>(elsewhere, 'select rolconfig from pg_roles where rolname = $1', [
        own,
      ]);
      expect(settings).toEqual(expect.arrayContaining(['TimeZone=Asia/Tokyo', 'search_path=public']));
    } finally {
      await elsewhere.pool.query(`drop role if exists ${logins.join()}`);
      await elsewhere.close();
      await dropDatabase('TimescaleDB', url);
    }
  });

  it('plain tables in use become hypertables and keep their rows, when TimescaleDB arrives later', async () => {
    const url = await createEmptyDatabase('TimescaleDB');
    const plain = new Database(url, { connections: 4 });
    try {
      await runMigrations(drizzle(plain.pool), {
        migrationsFolder,
        migrationsSchema: 'cryptoracle',
        migrationsTable: 'migrations',
      });
      expect(await rows(plain, "select from pg_extension where extname = 'timescaledb'")).toEqual([]);
      await fill(plain);
      const before = await storedRows(plain);
      const revisions = await storedRevisions(plain);
      expect(before).toHaveLength(144);
      await migrate(plain, systemClock, silent);
      expect(await hypertables(plain)).toEqual(tables.map((name) => ({ name, compressed: true })));
      expect(await storedRows(plain)).toEqual(before);
      expect(await value<number>(plain, 'select count(*)::int from only cryptoracle.metrics_1h')).toBe(0);
      await fill(plain);
      // The earlier value comes back for a moment and changes again: nothing else.
      expect(await storedRows(plain)).toHaveLength(144);
      expect(await storedRevisions(plain)).toHaveLength(revisions.length + 2);
    } finally {
      await plain.close();
      await dropDatabase('TimescaleDB', url);
    }
  });
});

describe('without TimescaleDB', () => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase('plain PostgreSQL');
  });

  it('a migration warns once, and the tables are plain', async () => {
    const { warnings, log } = recorder();
    await migrate(database, systemClock, log);
    expect(warnings).toEqual([expect.stringContaining('TimescaleDB is not available')]);
    const plain = await rows(
      database,
      `select relname from pg_class where relnamespace = 'cryptoracle'::regnamespace
         and relkind = 'r' and relname like 'metrics%' order by 1`,
    );
    expect(plain).toEqual(tables.map((relname) => ({ relname })));
  });
});

describe.skipIf(serverUrl('TimescaleDB') === null)('the same queries', () => {
  let plain: Database;
  let timescale: Database;
  beforeAll(async () => {
    plain = await createTestDatabase('plain PostgreSQL');
    timescale = await createTestDatabase('TimescaleDB');
    await fill(plain);
    await fill(timescale);
    await compressAll(timescale);
  });

  it.each([
    'select * from cryptoracle.metrics_1h order by token, time',
    "select token, avg(mention_count), count(*) from cryptoracle.metrics_1h where time >= '2025-06-01' group by token order by token",
    "select time, mention_count from cryptoracle.metrics_1h where token = 'BTC' order by time desc limit 10",
    'select granularity, token, time, metric, old, new, revised_at from cryptoracle.revisions order by id',
    'select granularity, token, metric, answered::text from cryptoracle.coverage order by 1, 2, 3',
    'select outcome, rows_written, records from cryptoracle.requests order by id',
    'select * from cryptoracle.metric_catalog order by code',
    `select table_name, column_name, data_type, is_nullable from information_schema.columns
     where table_schema = 'cryptoracle' order by table_name, ordinal_position`,
    `select relname, objsubid, description from pg_description join pg_class on pg_class.oid = objoid
     where relnamespace = 'cryptoracle'::regnamespace and relkind in ('r', 'v') order by 1, 2`,
  ])('give the same answers on both servers: %s', async (query) => {
    const [here, there] = await Promise.all([rows(plain, query), rows(timescale, query)]);
    expect(here.length).toBeGreaterThan(0);
    expect(there).toEqual(here);
  });

  it('of the program itself give the same answers on both servers', async () => {
    const hot = await readTopMentions(plain, 5);
    expect(hot.map(({ token, mentions: number }) => [token, number])).toEqual([
      ['ETH', 142],
      ['BTC', 71],
    ]);
    expect(await readTopMentions(timescale, 5)).toEqual(hot);
  });
});
