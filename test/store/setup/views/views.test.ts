import { beforeAll, expect, it } from 'vitest';
import { metrics } from '../../../../src/catalog/index.ts';
import { systemClock } from '../../../../src/clock.ts';
import { UserError } from '../../../../src/errors.ts';
import type { Database } from '../../../../src/store/connection/database.ts';
import { migrate } from '../../../../src/store/setup/migrate.ts';
import { viewNames } from '../../../../src/store/setup/views/index.ts';
import { createTestDatabase, describeOnServers, rows, silent, value } from '../../../support/database.ts';

describeOnServers('the views', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    await database.pool.query(
      `insert into cryptoracle.token_tags values
         ('BTC', 'CO-B-01-04', 'store of value', '2025-01-01', '2025-03-01'),
         ('BTC', 'CO-B-01-04', 'payments', '2025-03-03', '2025-06-01'),
         ('ETH', 'CO-B-03-01', 'large', '2025-03-01', '2025-06-01'),
         -- Answered after the day that follows.
         ('ETH', 'CO-B-03-01', 'large', '2025-02-01', '2025-02-28')`,
    );
  });

  it('are those that analysts are promised', () => {
    expect(viewNames).toEqual(
      expect.arrayContaining([
        ...['metrics', 'metrics_long', 'latest_15m', 'latest_1h', 'latest_4h', 'latest_1d', 'latest'],
        ...['token_tags_current', 'token_tag_history', 'movers', 'sentiment_zscore', 'freshness'],
        ...['token_freshness', 'coverage_daily', 'data_dictionary'],
      ]),
    );
  });

  it('tell the labels that hold and those that held', async () => {
    expect(
      await rows(
        database,
        `select token, code, tag, subject, value, valid_from::text, valid_to::text, last_seen::text
         from cryptoracle.token_tag_history order by token, valid_from`,
      ),
    ).toEqual([
      {
        ...{ token: 'BTC', code: 'CO-B-01-04', tag: 'ecosystem', subject: 'token', value: 'store of value' },
        ...{ valid_from: '2025-01-01', valid_to: '2025-03-03', last_seen: '2025-03-01' },
      },
      {
        ...{ token: 'BTC', code: 'CO-B-01-04', tag: 'ecosystem', subject: 'token', value: 'payments' },
        ...{ valid_from: '2025-03-03', valid_to: null, last_seen: '2025-06-01' },
      },
      {
        ...{ token: 'ETH', code: 'CO-B-03-01', tag: 'community_scale', subject: 'community', value: 'large' },
        ...{ valid_from: '2025-02-01', valid_to: null, last_seen: '2025-06-01' },
      },
    ]);
    expect(
      await rows(
        database,
        'select token, value, since::text, last_seen::text from cryptoracle.token_tags_current order by token',
      ),
    ).toEqual([
      { token: 'BTC', value: 'payments', since: '2025-03-03', last_seen: '2025-06-01' },
      { token: 'ETH', value: 'large', since: '2025-02-01', last_seen: '2025-06-01' },
    ]);
  });

  it('explain themselves in data_dictionary, as far as the reader may look', async () => {
    const client = await database.pool.connect();
    try {
      await client.query('begin; set local role cryptoracle_reader');
      const { rows: found } = await client.query<{
        relation: string;
        kind: string;
        column_name: string | null;
        meaning: string | null;
        code: string | null;
        unit: string | null;
        summable: boolean | null;
      }>('select * from cryptoracle.data_dictionary');
      const relations = new Set(found.map(({ relation }) => relation));
      for (const name of [...viewNames, 'metrics_1h', 'revisions']) expect(relations).toContain(name);
      expect(relations).not.toContain('pace');
      expect(relations).not.toContain('migrations');
      expect(found.filter(({ meaning }) => (meaning ?? '') === '')).toEqual([]);
      expect(found.filter((each) => each.kind === 'function').map(({ relation }) => relation)).toEqual([
        expect.stringMatching(/as_of\(text,/),
      ]);
      const mentions = found.filter(({ column_name }) => column_name === 'mention_count');
      expect(new Set(mentions.map(({ relation }) => relation))).toEqual(
        new Set(
          ['metrics', 'latest', 'movers'].concat(
            ['15m', '1h', '4h', '1d'].flatMap((each) => [`metrics_${each}`, `latest_${each}`]),
          ),
        ),
      );
      for (const each of mentions) {
        expect(each).toMatchObject({ code: 'CO-A-01-05', unit: 'mentions', summable: true });
      }
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  it('say at each metric what may be computed from it', async () => {
    for (const { column, summable, acrossWindows } of metrics) {
      const comment = await value<string>(
        database,
        `select col_description('cryptoracle.metrics'::regclass, attnum) from pg_attribute
         where attrelid = 'cryptoracle.metrics'::regclass and attname = $1`,
        [column],
      );
      expect(comment).toContain(summable ? 'may be summed' : 'not to be summed');
      expect(comment).toContain(acrossWindows);
      expect(comment).toMatch(/Unit: /);
    }
  });

  it('stay as they are, with what was built on them, where nothing changed', async () => {
    await database.pool.query('create view mine as select * from cryptoracle.metrics');
    const ids = () =>
      rows(
        database,
        "select oid, relname from pg_class where relnamespace = 'cryptoracle'::regnamespace and relkind = 'v' order by 2",
      );
    const before = await ids();
    await migrate(database, systemClock, silent);
    expect(await ids()).toEqual(before);
    await database.pool.query('drop view mine');
  });

  it('are replaced in place where only what they compute changed', async () => {
    const before = await value<number>(
      database,
      "select 'cryptoracle.token_tags_current'::regclass::oid::int",
    );
    await database.pool.query(
      `create or replace view cryptoracle.token_tags_current as
       select token, ''::text as code, ''::text as tag, ''::text as subject, value, first_day as since, last_day as last_seen
       from cryptoracle.token_tags`,
    );
    await migrate(database, systemClock, silent);
    expect(await value<number>(database, "select 'cryptoracle.token_tags_current'::regclass::oid::int")).toBe(
      before,
    );
    expect(
      await value<string>(database, "select tag from cryptoracle.token_tags_current where token = 'BTC'"),
    ).toBe('ecosystem');
  });

  it('keep their columns in place, with what was built on them, and get new ones at the end', async () => {
    const columnsOf = (view: string) =>
      rows<{ name: string }>(
        database,
        `select column_name as name from information_schema.columns
         where table_schema = 'cryptoracle' and table_name = $1 order by ordinal_position`,
        [view],
      ).then((found) => found.map(({ name }) => name));
    const whole = await columnsOf('metrics');
    const older = whole.filter((name) => !['is_final', 'seen_later', 'net_sentiment'].includes(name)).join();
    await database.pool.query(
      `drop view cryptoracle.movers, cryptoracle.sentiment_zscore, cryptoracle.latest,
         ${['15m', '1h', '4h', '1d'].map((each) => `cryptoracle.latest_${each}`).join()};
       alter view cryptoracle.metrics rename to newer;
       create view cryptoracle.metrics as select ${older} from cryptoracle.newer;
       create view mine as select * from cryptoracle.metrics`,
    );
    await migrate(database, systemClock, silent);
    expect(await columnsOf('metrics')).toEqual([
      ...older.split(','),
      ...whole.filter((name) => !older.split(',').includes(name)),
    ]);
    const plan = await rows<{ 'QUERY PLAN': string }>(
      database,
      `explain select token, is_final from cryptoracle.metrics where granularity = '1h' and token = 'BTC'`,
    );
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).not.toMatch(/metrics_(15m|4h|1d)/);
    expect(await rows(database, 'select * from mine')).toEqual([]);
    // As it was.
    await database.pool.query('drop view mine; drop view cryptoracle.newer; drop view cryptoracle.metrics');
    await migrate(database, systemClock, silent);
    expect(await columnsOf('metrics')).toEqual(whole);
  });

  it('are made anew where their columns changed, unless something of the user depends on them', async () => {
    const change = `drop view cryptoracle.token_tags_current;
      create view cryptoracle.token_tags_current as select token as old_column from cryptoracle.token_tags`;
    await database.pool.query(`${change}; create view mine as select * from cryptoracle.token_tags_current`);
    const refused = migrate(database, systemClock, silent);
    await expect(refused).rejects.toBeInstanceOf(UserError);
    await expect(refused).rejects.toThrow(/view mine depends on/);
    expect(await value<number>(database, 'select count(*)::int from mine')).toBe(4);
    await database.pool.query('drop view mine');
    await migrate(database, systemClock, silent);
    const columns = await rows(
      database,
      "select column_name from information_schema.columns where table_name = 'token_tags_current'",
    );
    expect(columns.map(({ column_name }) => column_name)).toContain('tag');
    // The reader's rights are back as well.
    expect(
      await value<boolean>(
        database,
        "select has_table_privilege('cryptoracle_reader', 'cryptoracle.token_tags_current', 'select')",
      ),
    ).toBe(true);
  });
});
