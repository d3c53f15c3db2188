import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCatalogue, type MetricEntry, parseCatalogueFile } from '../../../src/catalog/index.ts';
import { systemClock } from '../../../src/clock.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { ensureMigrated, migrate, requireMigrated } from '../../../src/store/setup/migrate.ts';
import { createTestDatabase, describeOnServers, rows, silent, value } from '../../support/database.ts';

const questions = {
  code: 'CO-X-01-06',
  column: 'question_count',
  kind: 'count',
  range: [0, null],
  unit: 'questions',
};
const members = { code: 'CO-X-01-10', column: 'active_member_ratio', kind: 'ratio' };
const weekly = { code: 'CO-A-01-05', column: 'mention_count_7d', kind: 'count', params: { window: 7 } };

function entriesOf(...metrics: object[]): readonly MetricEntry[] {
  const file = parseCatalogueFile(JSON.stringify(metrics));
  if ('problem' in file) throw new Error(file.problem);
  return file.entries;
}

describeOnServers("metrics of the user's own", (kind) => {
  let database: Database;
  const opened: Database[] = [];
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
  });

  /** The database as a process sees it whose file holds these entries. */
  function withFile(...metrics: object[]): Database {
    const catalogue = createCatalogue({ userEntries: entriesOf(...metrics) });
    const one = new Database(database.url, { connections: 2, catalogue });
    opened.push(one);
    return one;
  }

  const migrateWith = (...metrics: object[]) => migrate(withFile(...metrics), systemClock, silent);

  const columnsOf = (relation: string) =>
    rows<{ name: string; type: string }>(
      database,
      `select column_name as name, data_type as type from information_schema.columns
       where table_schema = 'cryptoracle' and table_name = $1 order by ordinal_position`,
      [relation],
    );

  /** Everything that a file changes. */
  const dump = async () => [
    await Promise.all(
      ['metrics_15m', 'metrics_1h', 'metrics_4h', 'metrics_1d', 'metrics', 'latest'].map(columnsOf),
    ),
    await rows(database, 'select xmin::text, * from cryptoracle.metric_catalog order by code'),
  ];

  it('get a column in every table and view, with a comment, by one migrate; a second one changes nothing', async () => {
    await migrateWith(questions, weekly);
    for (const relation of [
      'metrics_15m',
      'metrics_1h',
      'metrics_4h',
      'metrics_1d',
      'metrics',
      'latest_1h',
    ]) {
      const added = { name: 'question_count', type: 'double precision' };
      expect(await columnsOf(relation), relation).toContainEqual(added);
    }
    expect(
      await rows(
        database,
        `select code, endpoint, params, unit, meaning from cryptoracle.data_dictionary
         where relation = 'metrics_4h' and column_name = any ('{question_count,mention_count_7d}') order by code`,
      ),
    ).toEqual([
      {
        ...{ code: 'CO-A-01-05?window=7', endpoint: 'CO-A-01-05', params: '{"window":7}', unit: '1' },
        meaning: expect.stringContaining('API code CO-A-01-05?window=7'),
      },
      {
        ...{ code: 'CO-X-01-06', endpoint: 'CO-X-01-06', params: null, unit: 'questions' },
        meaning: expect.stringContaining('Range: 0 to ∞'),
      },
    ]);
    const before = await dump();
    await migrateWith(questions, weekly);
    expect(await dump()).toEqual(before);
  });

  it('stay where the file names them no more, with their values, and go on where it does again', async () => {
    await migrateWith(questions, members);
    await database.pool.query(
      `insert into cryptoracle.metrics_1h ("time", token, question_count, first_seen_at, updated_at)
       values ('2025-06-01T00:00:00Z', 'BTC', 5, now(), now())`,
    );
    await database.pool.query(
      'create view public.mine as select "time", question_count from cryptoracle.metrics',
    );
    await migrateWith(members);
    expect(await value(database, "select question_count from cryptoracle.metrics where token = 'BTC'")).toBe(
      5,
    );
    expect(await value(database, 'select question_count from public.mine')).toBe(5);
    const retired = () =>
      rows(
        database,
        'select column_name as name from cryptoracle.metric_catalog where retired_at is not null order by 1',
      );
    expect(await retired()).toEqual([{ name: 'mention_count_7d' }, { name: 'question_count' }]);
    await migrateWith(members, weekly, questions);
    expect(await retired()).toEqual([]);
  });

  it.each([
    [
      'another column for a code',
      { ...questions, column: 'questions' },
      /its column in the database is question_count/,
    ],
    ['another kind', { ...questions, kind: 'ratio' }, /its kind in the database is count/],
    [
      'a column of another code',
      { ...members, code: 'CO-X-01', column: 'question_count' },
      /holds CO-X-01-06/,
    ],
    [
      'a column that is there already',
      { ...members, code: 'CO-X-02', column: 'mine' },
      /have a column mine already, of type text/,
    ],
  ])('that clash (%s) are one line, and nothing is altered', async (_, wrong, line) => {
    await migrateWith(questions, members);
    await database.pool.query('alter table cryptoracle.metrics_1d add column if not exists mine text');
    const before = await dump();
    const added = { code: 'CO-X-09', column: 'never_made' };
    await expect(migrateWith(added, wrong)).rejects.toThrow(line);
    await expect(migrateWith(added, wrong)).rejects.toThrow(/^CATALOGUE_FILE: CO-[^\n]*$/);
    expect(await dump()).toEqual(before);
  });

  it('that come with the program later keep their values, in the column that they have there', async () => {
    // As a file left it that named the code before the program did.
    await database.pool.query(
      `drop view if exists public.mine;
       ${['15m', '1h', '4h', '1d'].map((each) => `alter table cryptoracle.metrics_${each} rename sentiment_price_gap to my_gap`).join(';')};
       update cryptoracle.metric_catalog set origin = 'user', column_name = 'my_gap' where code = 'CO-S-01-05';
       insert into cryptoracle.metrics_1h ("time", token, my_gap, first_seen_at, updated_at)
       values ('2025-06-02T00:00:00Z', 'ETH', 0.5, now(), now())`,
    );
    await migrateWith();
    expect(
      await value(database, "select sentiment_price_gap from cryptoracle.metrics where token = 'ETH'"),
    ).toBe(0.5);
    expect(
      await rows(
        database,
        "select origin, column_name from cryptoracle.metric_catalog where code = 'CO-S-01-05'",
      ),
    ).toEqual([{ origin: 'bundled', column_name: 'sentiment_price_gap' }]);

    await database.pool.query(
      "update cryptoracle.metric_catalog set origin = 'user', code = 'CO-X-03' where code = 'CO-S-01-05'",
    );
    const before = await dump();
    await expect(migrateWith()).rejects.toThrow(/^DATABASE_URL: column sentiment_price_gap holds CO-X-03/);
    expect(await dump()).toEqual(before);
    await database.pool.query(
      "update cryptoracle.metric_catalog set origin = 'bundled', code = 'CO-S-01-05' where code = 'CO-X-03'",
    );
  });

  it('are made by start, and missed by what changes nothing', async () => {
    const one = withFile(questions, members, { code: 'CO-X-10', column: 'made_by_start' });
    await expect(requireMigrated(one)).rejects.toThrow(/CATALOGUE_FILE names; run `migrate` first/);
    await ensureMigrated(one, systemClock, silent);
    await requireMigrated(one);
    expect(await columnsOf('metrics_15m')).toContainEqual({
      name: 'made_by_start',
      type: 'double precision',
    });
  });
});
