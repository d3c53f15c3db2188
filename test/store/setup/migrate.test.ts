import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { metrics } from '../../../src/catalog/index.ts';
import { systemClock } from '../../../src/clock.ts';
import { UserError } from '../../../src/errors.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { ensureMigrated, migrate, requireMigrated, schemaState } from '../../../src/store/setup/migrate.ts';
import { ManualClock } from '../../support/clock.ts';
import {
  createEmptyDatabase,
  createTestDatabase,
  describeOnServers,
  dropDatabase,
  rows,
  silent,
  value,
} from '../../support/database.ts';
import { answer, mentions, row, start } from '../answers/answering.ts';

const journal: { readonly entries: readonly unknown[] } = JSON.parse(
  readFileSync(new URL('../../../migrations/meta/_journal.json', import.meta.url), 'utf8'),
);

/** Everything that a migration could have changed, as rows that can be compared. */
async function dump(database: Database) {
  const statements = [
    `select table_name, column_name, ordinal_position, data_type, is_nullable, column_default, is_generated
     from information_schema.columns where table_schema = 'cryptoracle' order by 1, 3`,
    `select conrelid::regclass::text as of, conname, pg_get_constraintdef(oid) as definition
     from pg_constraint where connamespace = 'cryptoracle'::regnamespace order by 1, 2`,
    `select oid, relname, relkind, relfilenode, relacl::text, reltuples >= -1 as known
     from pg_class where relnamespace = 'cryptoracle'::regnamespace order by relname`,
    `select c.relname, d.objsubid, d.description from pg_description as d join pg_class as c on c.oid = d.objoid
     where c.relnamespace = 'cryptoracle'::regnamespace order by 1, 2`,
    `select nspname, nspacl::text from pg_namespace where nspname = 'cryptoracle'`,
    `select extname, extversion from pg_extension order by 1`,
    ...['tokens', 'metrics_1h', 'coverage', 'requests', 'pace'].map(
      (table) => `select xmin::text, * from cryptoracle.${table} order by 2, 3`,
    ),
    ...['metric_catalog', 'tag_catalog', 'migrations'].map(
      (table) => `select * from cryptoracle.${table} order by 1`,
    ),
  ];
  return Promise.all(statements.map((statement) => rows(database, statement)));
}

describeOnServers('migrate', (kind) => {
  let database: Database;
  const urls: string[] = [];
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  afterAll(async () => {
    for (const url of urls) await dropDatabase(kind, url);
  });

  /** Runs the work on an empty database of its own. */
  async function onEmpty<T>(work: (url: string, open: (url: string) => Database) => Promise<T>): Promise<T> {
    const url = await createEmptyDatabase(kind);
    urls.push(url);
    const opened: Database[] = [];
    const open = (at: string) => {
      const one = new Database(at, { connections: 2 });
      opened.push(one);
      return one;
    };
    try {
      return await work(url, open);
    } finally {
      for (const one of opened) await one.close();
    }
  }

  it('may be run by four at once on a fresh database', async () => {
    await onEmpty(async (url, open) => {
      const four = [1, 2, 3, 4].map(() => open(url));
      await Promise.all(four.map((one) => migrate(one, systemClock, silent)));
      const [one] = four;
      if (one === undefined) throw new Error('four are some');
      expect(await value<number>(one, 'select count(*)::int from cryptoracle.migrations')).toBe(
        journal.entries.length,
      );
      expect(await value<number>(one, 'select count(*)::int from cryptoracle.tokens')).toBe(200);
      expect(
        await value<number>(
          one,
          `select count(*)::int from pg_locks join pg_database on pg_database.oid = pg_locks.database
           where locktype = 'advisory' and datname = current_database()`,
        ),
      ).toBe(0);
    });
  });

  it('changes nothing where nothing is due, whatever data there are', async () => {
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 7 })] }));
    const before = await dump(database);
    await migrate(database, new ManualClock('2031-01-01T00:00:00Z'), silent);
    expect(await dump(database)).toEqual(before);
  });

  it('has statements run uncompiled, unless somebody has set it otherwise', async () => {
    const settings = () =>
      rows(
        database,
        `select setting from pg_db_role_setting, unnest(setconfig) as setting
         where setdatabase = (select oid from pg_database where datname = current_database())`,
      );
    expect(await settings()).toEqual([{ setting: 'jit=off' }]);
    const name = new URL(database.url).pathname.slice(1);
    await database.pool.query(`alter database ${name} set jit = on`);
    await migrate(database, systemClock, silent);
    expect(await settings()).toEqual([{ setting: 'jit=on' }]);
  });

  it('does not take tokens back into the list that the API has dropped', async () => {
    await database.pool.query("update cryptoracle.tokens set listed = false where token = 'UMA'");
    await database.pool.query("delete from cryptoracle.tokens where token = 'METIS'");
    await migrate(database, systemClock, silent);
    expect(
      await rows(database, "select token, listed from cryptoracle.tokens where token in ('UMA', 'METIS')"),
    ).toEqual([{ token: 'UMA', listed: false }]);
  });

  it('mends the catalogue where somebody has changed it', async () => {
    await database.pool.query("update cryptoracle.metric_catalog set meaning = 'nothing'");
    await database.pool.query('delete from cryptoracle.tag_catalog');
    await migrate(database, systemClock, silent);
    expect(
      await value<number>(
        database,
        "select count(*)::int from cryptoracle.metric_catalog where meaning <> 'nothing'",
      ),
    ).toBe(metrics.length);
    expect(await value<number>(database, 'select count(*)::int from cryptoracle.tag_catalog')).toBe(6);
  });

  it('leaves every metric, 6 tags and 200 tokens in the catalogue, in the order of the API page', async () => {
    await onEmpty(async (url, open) => {
      const fresh = open(url);
      await migrate(fresh, new ManualClock(start), silent);
      expect(await value<number>(fresh, 'select count(*)::int from cryptoracle.metric_catalog')).toBe(
        metrics.length,
      );
      expect(await value<number>(fresh, 'select count(*)::int from cryptoracle.tag_catalog')).toBe(6);
      expect(await value<number>(fresh, 'select count(*)::int from cryptoracle.tokens where listed')).toBe(
        200,
      );
      expect(
        await rows(
          fresh,
          `select token, name, position, first_listed_at from cryptoracle.tokens
           where position in (1, 2, 200) order by position`,
        ),
      ).toEqual([
        { token: 'BTC', name: 'Bitcoin', position: 1, first_listed_at: new Date(start) },
        { token: 'ETH', name: 'Ethereum', position: 2, first_listed_at: new Date(start) },
        { token: 'UMA', name: 'UMA', position: 200, first_listed_at: new Date(start) },
      ]);
      // Every column that the catalogue names is there in every metric table.
      const missing = await rows(
        fresh,
        `select t.name, column_name from cryptoracle.metric_catalog
         cross join (values ('metrics_15m'), ('metrics_1h'), ('metrics_4h'), ('metrics_1d')) as t (name)
         where not exists (
           select from information_schema.columns as c where c.table_schema = 'cryptoracle'
             and c.table_name = t.name and c.column_name = metric_catalog.column_name
             and c.data_type = 'double precision')`,
      );
      expect(missing).toEqual([]);
    });
  });

  it('comments every table, view and column', async () => {
    const uncommented = await rows(
      database,
      `select c.relname, a.attname
       from pg_class as c
       join (select attrelid, attname, attnum from pg_attribute where attnum > 0 and not attisdropped
             union all select oid, '(itself)', 0 from pg_class) as a on a.attrelid = c.oid
       left join pg_description as d
         on d.objoid = c.oid and d.objsubid = a.attnum and d.classoid = 'pg_class'::regclass
       where c.relnamespace = 'cryptoracle'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
         and coalesce(d.description, '') = ''
       order by 1, 2`,
    );
    expect(uncommented).toEqual([]);
  });

  it('is run by ensureMigrated where the schema is missing', async () => {
    await onEmpty(async (url, open) => {
      const fresh = open(url);
      await ensureMigrated(fresh, systemClock, silent);
      expect(await value<number>(fresh, 'select count(*)::int from cryptoracle.tokens')).toBe(200);
    });
  });

  it.each(['write comments', 'make functions', 'make views', 'grant rights'])(
    'is finished by ensureMigrated where it was interrupted after "%s"',
    async (last) => {
      const url = await createEmptyDatabase(kind);
      const interrupt = (name: string) => {
        if (name === last) throw new RangeError('interrupted');
      };
      const first = new Database(url, { connections: 2, observe: interrupt });
      await expect(migrate(first, systemClock, silent)).rejects.toThrow();
      await first.close();
      const second = new Database(url, { connections: 2 });
      expect(await schemaState(second)).toBe('unfinished');
      await expect(requireMigrated(second)).rejects.toThrow('run `migrate`');
      await ensureMigrated(second, systemClock, silent);
      expect(await schemaState(second)).toBe('current');
      expect(await value<number>(second, 'select count(*)::int from cryptoracle.freshness')).toBe(4);
      await second.close();
      await dropDatabase(kind, url);
    },
  );

  it('is not run by ensureMigrated where the schema is the newest', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    await database.pool.query("update cryptoracle.metric_catalog set meaning = 'untouched'");
    await ensureMigrated(database, systemClock, log);
    expect(
      await value<number>(
        database,
        "select count(*)::int from cryptoracle.metric_catalog where meaning <> 'untouched'",
      ),
    ).toBe(0);
    expect(lines).toEqual([]);
  });

  it('refuses a database that a newer program has changed, and leaves it alone', async () => {
    await onEmpty(async (url, open) => {
      const newer = open(url);
      await migrate(newer, systemClock, silent);
      await newer.pool.query(
        "insert into cryptoracle.migrations (hash, created_at) values ('of tomorrow', 9999999999999)",
      );
      const before = await dump(newer);
      for (const run of [migrate, ensureMigrated]) {
        const refused = run(newer, systemClock, silent);
        await expect(refused).rejects.toBeInstanceOf(UserError);
        await expect(refused).rejects.toThrow(/DATABASE_URL: a newer version/);
      }
      expect(await dump(newer)).toEqual(before);
    });
  });

  /** Runs the work with a role of its own that may log in and nothing else. @param owns whether it owns the database */
  async function asRole(
    owns: boolean,
    work: (as: Database, admin: Database) => Promise<void>,
  ): Promise<void> {
    await onEmpty(async (url, open) => {
      const admin = open(url);
      const name = `test_role_${randomBytes(6).toString('hex')}`;
      const own = new URL(url);
      await admin.pool.query(`create role ${name} login password 'of-a-test'`);
      try {
        if (owns) await admin.pool.query(`alter database ${own.pathname.slice(1)} owner to ${name}`);
        Object.assign(own, { username: name, password: 'of-a-test' });
        const as = open(own.href);
        await work(as, admin);
        await as.pool.query('reset role');
      } finally {
        await admin.pool.query(`alter database ${own.pathname.slice(1)} owner to current_user`);
        await admin.pool.query(`reassign owned by ${name} to current_user`);
        await admin.pool.query(`drop owned by ${name}`);
        await admin.pool.query(`drop role ${name}`);
      }
    });
  }

  it('tells a role without rights who must run it', async () => {
    await asRole(false, async (as) => {
      for (const run of [migrate, ensureMigrated]) {
        const refused = run(as, systemClock, silent);
        await expect(refused).rejects.toBeInstanceOf(UserError);
        await expect(refused).rejects.toThrow(/DATABASE_URL: this role may not change the schema/);
      }
    });
  });

  it('needs no more than the rights of the owner of the database', async () => {
    await asRole(true, async (as) => {
      await migrate(as, systemClock, silent);
      await migrate(as, systemClock, silent);
      await storeAnswer(as, answer({ rows: [row('BTC', start, { [mentions]: 7 })] }));
      expect(await value<number>(as, 'select mention_count from cryptoracle.metrics_1h')).toBe(7);
    });
  });
});
