import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { RateLimiter } from '../../../src/store/limits/rate-limiter.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { viewNames } from '../../../src/store/setup/views/index.ts';
import {
  createTestDatabase,
  describeOnServers,
  dropQueue,
  rows,
  silent,
  value,
} from '../../support/database.ts';
import { grantsOf } from '../../support/grants.ts';
import { createLogin } from '../../support/logins.ts';
import { answer, mentions, row, start } from '../answers/answering.ts';
import { expectedOf, recorder } from './rights.ts';

const denied = { code: '42501' };

/** Expects that every statement is denied. Over one connection: a pool gives up one whose statement failed. */
async function expectDenied(database: Database, statements: readonly string[]): Promise<void> {
  const client = await database.pool.connect();
  try {
    for (const statement of statements)
      await expect(client.query(statement), statement).rejects.toMatchObject(denied);
  } finally {
    client.release();
  }
}

/** Grants without those on chunks, which TimescaleDB takes from their hypertable. */
async function grantsOnTables(database: Database, role: string): Promise<Record<string, string>> {
  const all = Object.entries(await grantsOf(database, role));
  return Object.fromEntries(all.filter(([name]) => !name.startsWith('_timescaledb_internal.')));
}

describeOnServers('the roles', (kind) => {
  let database: Database;
  let tables: string[];
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    // Its rights have a test of their own.
    await dropQueue(database);
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 7 })] }));
    await new RateLimiter(database, 1000).acquire('live');
    const found = await rows<{ relname: string }>(
      database,
      `select relname from pg_class
       where relnamespace = 'cryptoracle'::regnamespace and relkind in ('r', 'p') order by 1`,
    );
    tables = found.map(({ relname }) => relname);
  });

  it.each(['reader', 'worker'] as const)('%s has the rights that are listed, and no other', async (role) => {
    expect(await grantsOnTables(database, `cryptoracle_${role}`)).toEqual(expectedOf(role));
  });

  it('are needed for everything: nothing of ours is open to everybody but reading', async () => {
    const open = Object.entries(await grantsOf(database, 'public')).filter(([name]) =>
      /\b(cryptoracle|_hyper)/.test(name),
    );
    expect(open).toEqual([
      ['cryptoracle.as_of()', 'execute'],
      ['cryptoracle.costly()', 'execute'],
      ['cryptoracle.day_start()', 'execute'],
      ['cryptoracle.label_json()', 'execute'],
      ['cryptoracle.refuse_granularity()', 'execute'],
    ]);
    // It reads with the rights of whoever calls it.
    expect(
      await rows(
        database,
        `select proname, provolatile, prosecdef from pg_proc
         where pronamespace = 'cryptoracle'::regnamespace order by 1`,
      ),
    ).toEqual([
      { proname: 'as_of', provolatile: 's', prosecdef: false },
      expect.objectContaining({ proname: 'costly', prosecdef: false }),
      expect.objectContaining({ proname: 'day_start', provolatile: 's', prosecdef: false }),
      expect.objectContaining({ proname: 'label_json', prosecdef: false }),
      expect.objectContaining({ proname: 'refuse_granularity', prosecdef: false }),
      // This one is for workers alone: it removes with the owner's rights what is old.
      expect.objectContaining({ proname: 'retire', prosecdef: true }),
    ]);
  });

  it.each(['cryptoracle_reader', 'cryptoracle_worker'])('%s can neither log in nor create', async (role) => {
    expect(
      await rows(
        database,
        `select rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
           has_database_privilege(oid, current_database(), 'create') as creates,
           (select array_agg(nspname::text) from pg_namespace
            where has_schema_privilege(r.oid, pg_namespace.oid, 'create') and nspname !~ '^pg_temp') as creates_in,
           exists (select from pg_auth_members where member = r.oid) as inherits
         from pg_roles as r where rolname = $1`,
        [role],
      ),
    ).toEqual([
      {
        rolcanlogin: false,
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        rolbypassrls: false,
        creates: false,
        creates_in: null,
        inherits: false,
      },
    ]);
  });

  it('are explained in the list of roles', async () => {
    for (const role of ['cryptoracle_reader', 'cryptoracle_worker']) {
      expect(await value(database, `select shobj_description('${role}'::regrole, 'pg_authid')`)).toMatch(
        /^May /,
      );
    }
  });

  it('get back what was taken from them, and lose what was added, at the next migration', async () => {
    await database.pool.query(`
      grant delete, truncate, trigger on cryptoracle.metrics_1h to cryptoracle_reader, cryptoracle_worker;
      grant update (meaning) on cryptoracle.metric_catalog to cryptoracle_worker;
      grant create on schema cryptoracle to cryptoracle_worker;
      revoke insert on cryptoracle.requests from cryptoracle_worker;
      create view cryptoracle.somebodys as select 1 as one;
      grant select on cryptoracle.somebodys to cryptoracle_reader`);
    await migrate(database, systemClock, silent);
    const { 'cryptoracle.somebodys': somebodys, ...reader } = await grantsOnTables(
      database,
      'cryptoracle_reader',
    );
    expect(reader).toEqual(expectedOf('reader'));
    expect(await grantsOnTables(database, 'cryptoracle_worker')).toEqual(expectedOf('worker'));
    // What is not ours stays as it is.
    expect(somebodys).toBe('select');
    await database.pool.query('drop view cryptoracle.somebodys');
  });

  describe('a reader', () => {
    let reader: Database;
    beforeAll(async () => {
      reader = await createLogin(database, 'cryptoracle_reader');
    });
    const internal = ['migrations', 'pace', 'quality_due', 'refreshed', 'stored_days'];

    it('may read everything that people query', async () => {
      for (const table of [...tables, ...viewNames].filter((name) => !internal.includes(name)))
        await rows(reader, `select * from cryptoracle."${table}"`);
      expect(await rows(reader, 'select token, mention_count from cryptoracle.metrics_1h')).toEqual([
        { token: 'BTC', mention_count: 7 },
      ]);
      expect(await rows(reader, "select token, mention_count from cryptoracle.as_of('1h', now())")).toEqual([
        { token: 'BTC', mention_count: 7 },
      ]);
    });

    it.each(internal)('may not read %s', async (table) => {
      expect(tables).toContain(table);
      await expect(rows(reader, `select * from cryptoracle.${table}`)).rejects.toMatchObject(denied);
    });

    it('may not write anything', async () => {
      await expectDenied(reader, [
        ...tables.flatMap((table) => [
          `delete from cryptoracle."${table}"`,
          `insert into cryptoracle."${table}" default values`,
          `truncate cryptoracle."${table}"`,
        ]),
        "update cryptoracle.metrics_1h set mention_count = 8 where token = 'BTC'",
      ]);
    });
  });

  describe('a worker', () => {
    let worker: Database;
    beforeAll(async () => {
      worker = await createLogin(database, 'cryptoracle_worker');
    });

    it('may not read what it has no use for', async () => {
      for (const table of ['metric_catalog', 'tag_catalog'])
        await expect(rows(worker, `select from cryptoracle.${table}`)).rejects.toMatchObject(denied);
    });

    it('may have removed what is old, by the function for that, and nothing younger than a day', async () => {
      const remove = (age: string) =>
        rows(worker, `select cryptoracle.retire('1h', now() - interval '${age}') as removed`);
      await expect(remove('1 hour')).rejects.toMatchObject({ code: '22023' });
      expect(await remove('20 years')).toEqual([{ removed: '0' }]);
    });

    it('may not delete what is to be kept, nor rewrite what was logged', async () => {
      const mayDelete = [
        'breaker',
        'doubted_lists',
        'dropped',
        'entitlements',
        'quality_due',
        'quality_notes',
        'refreshed',
        'suspects',
        'wanted',
      ];
      const kept = tables.filter((name) => !mayDelete.includes(name));
      await expectDenied(worker, [
        ...kept.map((table) => `delete from cryptoracle."${table}" where false`),
        'update cryptoracle.revisions set old = 1',
        "update cryptoracle.requests set outcome = 'answered'",
        'insert into cryptoracle.migrations (hash, created_at) values (1, 2)',
        "update cryptoracle.metric_catalog set meaning = ''",
      ]);
    });

    it('may not change the schema, nor empty a table', async () => {
      const statements = tables.flatMap((table) => {
        const name = `cryptoracle."${table}"`;
        return [
          `truncate ${name}`,
          `drop table ${name}`,
          `alter table ${name} add column mine int`,
          `alter table ${name} disable trigger all`,
          `create index on ${name} ((1))`,
          `create trigger mine before insert on ${name} execute function suppress_redundant_updates_trigger()`,
          `comment on table ${name} is 'mine'`,
        ];
      });
      await expectDenied(worker, [
        ...statements,
        'create table cryptoracle.mine (id int)',
        'create view cryptoracle.mine as select 1',
        'create table public.mine (id int)',
        'create function cryptoracle.mine() returns int language sql return 1',
        'drop function cryptoracle.as_of(text, timestamptz)',
        'drop schema cryptoracle cascade',
        'create schema mine',
        'create role mine',
        'create extension hstore',
      ]);
    });
  });

  it('leave a role alone that owns our tables, whatever its name', async () => {
    const other = await createTestDatabase(kind);
    await other.pool.query('alter table cryptoracle.tokens owner to cryptoracle_worker');
    const { warnings, log } = recorder();
    await migrate(other, systemClock, log);
    expect(warnings).toContainEqual(expect.stringMatching(/^cryptoracle_worker owns tables/));
    expect(
      await value(
        other,
        "select has_table_privilege('cryptoracle_worker', 'cryptoracle.tokens', 'truncate')",
      ),
    ).toBe(true);
  });
});
