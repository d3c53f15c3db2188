import { spawnSync } from 'node:child_process';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPython } from '../../harness/python.ts';
import { hour } from '../support/clock.ts';
import { describeOnServers } from '../support/database.ts';
import { createFilledDatabase } from '../support/filled.ts';
import { cookbook, fillIn, metabase, read, readme, statementsOf } from './pages.ts';

/** 20:00 in Beijing. On this day the clocks changed in New York, and a week before it in Berlin. */
const now = Date.parse('2025-11-02T12:00:00Z');
/** Seven Beijing days before this one began. */
const from = now - 20 * hour - 168 * hour;
const zones = ['UTC', 'America/New_York', 'Europe/Berlin'];

const blocks = [
  ...cookbook,
  ...readme,
  ...metabase.map(({ name, sql }) => ({ question: name, sql: fillIn(sql, 'as numbers') })),
].flatMap(({ question, sql }) => statementsOf(sql).map((statement) => ({ question, statement })));

/** A Python that has what the recipe needs; `undefined` where there is none. */
const python = findPython('pandas', 'psycopg2', 'sqlalchemy');

/** The recipe for pandas, and what became of its times. */
const recipes = [...read('docs/cookbook.md').matchAll(/^```python\n([\s\S]*?)^```/gm)].map(
  ([, block = '']) => block,
);
const pandas = `${recipes.find((block) => block.includes('read_sql_query')) ?? ''}
print(len(hourly), hourly["time"].isna().sum(), hourly["time"].dtype)`;

describeOnServers("the documentation's SQL in sessions of other time zones", (kind) => {
  let client: pg.Client;
  let url: string;
  beforeAll(async () => {
    const database = await createFilledDatabase(kind, { now: () => now });
    url = database.url;
    // What people write finds this function before PostgreSQL's own; the views are bound to that one.
    await database.pool.query(
      `create schema standing;
       create function standing.now() returns timestamptz language sql stable
         as $$ select timestamptz '${new Date(now).toISOString()}' $$;
       grant usage on schema standing to public`,
    );
    client = new pg.Client({
      connectionString: database.url,
      options: '-c role=cryptoracle_reader -c search_path=standing,pg_catalog,public',
    });
    await client.connect();
  }, 120_000);
  afterAll(() => client.end());

  /** The rows, as the statement gives them in a session of the zone. The instant of the transaction is the same for all. */
  async function inZone(zone: string, statement: string): Promise<unknown[]> {
    await client.query(`set local time zone '${zone}'`);
    return (await client.query<Record<string, unknown>>(statement)).rows;
  }

  it.each(blocks)('$question: $statement', async ({ statement }) => {
    await client.query('begin');
    try {
      const expected = await inZone('UTC', statement);
      expect(expected.length).toBeGreaterThan(0);
      for (const zone of zones.slice(1)) expect(await inZone(zone, statement), zone).toEqual(expected);
    } finally {
      await client.query('rollback');
    }
  });

  it.each(zones)('whole windows are taken, as many as were asked for, in %s', async (zone) => {
    const count = async (name: string, granularity: string) => {
      const sql = metabase
        .find((each) => each.name === name)
        ?.sql.replaceAll('{{granularity}}', `'${granularity}'`);
      return (await inZone(zone, fillIn(sql ?? '', 'as numbers'))).length;
    };
    await client.query('begin');
    try {
      expect(await count('market-mood.sql', '1d')).toBe(7);
      expect(await count('token-history.sql', '1d')).toBe(7);
      expect(await count('token-history.sql', '1h')).toBe(7 * 24);
      expect(await count('compare-tokens.sql', '4h')).toBe(2 * 7 * 6);
      // Whole Beijing days, of which the last goes on.
      const days = cookbook.find(({ question }) => question.includes('6. How many mentions'));
      const found = (await inZone(zone, days?.sql ?? '')) as { is_whole: boolean }[];
      expect(found.map(({ is_whole }) => is_whole)).toEqual([
        ...Array.from({ length: 7 }, () => true),
        false,
      ]);
    } finally {
      await client.query('rollback');
    }
  });

  it.skipIf(python === undefined || kind !== 'plain PostgreSQL')(
    'pandas reads the same in all of them',
    () => {
      const told = zones.slice(0, 2).map((zone) => {
        const { status, stdout, stderr } = spawnSync(python ?? '', ['-c', pandas], {
          encoding: 'utf8',
          env: {
            ...process.env,
            READER_URL: url,
            PGOPTIONS: `-c search_path=standing,pg_catalog,public -c timezone=${zone}`,
          },
        });
        expect(status, stderr).toBe(0);
        return stdout;
      });
      expect(told[0]).toMatch(/^BTC +1\.0/m);
      expect(told[0]).toMatch(/^\d{3} 0 datetime64\[ns, UTC\]$/m);
      expect(told[1]).toBe(told[0]);
    },
  );

  it('the clocks changed within the time that is asked about', () => {
    const offset = (zone: string, at: number) =>
      new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset', hour: 'numeric' })
        .format(at)
        .slice(-6);
    for (const zone of zones.slice(1)) expect(offset(zone, from), zone).not.toBe(offset(zone, now));
  });
});
