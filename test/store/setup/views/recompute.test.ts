import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { findPython } from '../../../../harness/python.ts';
import { v1Metrics } from '../../../support/catalogue.ts';
import { day } from '../../../support/clock.ts';
import { describeOnServers } from '../../../support/database.ts';
import { createFilledDatabase } from '../../../support/filled.ts';

/** The views against a computation of their own in pandas, which knows the tables and the documentation alone. */

const script = fileURLToPath(new URL('recompute.py', import.meta.url));
const python = findPython('pandas', 'psycopg2');

/** Zones of which one has put its clocks forward three days ago, and one back: in those that exist, that is twice a year. */
function zonesOfChange(): string[] {
  const change = new Date(Date.now() - 3 * day);
  const dayOfYear = Math.floor((change.getTime() - Date.UTC(change.getUTCFullYear(), 0, 1)) / day) + 1;
  const halfAYearOn = ((dayOfYear + 181) % 365) + 1;
  const zone = (forward: number, back: number) => `AAA-1BBB,J${forward},J${back}`;
  return [zone(halfAYearOn, Math.min(365, dayOfYear)), zone(Math.min(365, dayOfYear), halfAYearOn)];
}

const each = (statement: (table: string) => string) =>
  ['15m', '1h', '4h', '1d'].map((granularity) => statement(`cryptoracle.metrics_${granularity}`)).join(';');

/** What views may stumble over, in a database of eight tokens and nine days. */
const oddities: Readonly<Record<string, string>> = {
  'a token has no windows of a granularity': "delete from cryptoracle.metrics_15m where token = 'BNB'",
  'one went quiet': each(
    (table) => `delete from ${table} where token = 'XRP' and time >= now() - interval '60 hours'`,
  ),
  'another comes back': each(
    (table) =>
      `delete from ${table} where token = 'SOL' and time between now() - interval '190 hours' and now() - interval '50 hours'`,
  ),
  'values are missing': each(
    (table) => `update ${table} set net_sentiment = null
      where token in ('SOL', 'DOGE') and extract(epoch from time)::bigint / 900 % 4 = 0`,
  ),
  'sentiment is always the same': each(
    (table) => `update ${table} set net_sentiment = 0.1 where token = 'ETH'`,
  ),
  'there was no mention a day before': each(
    (table) => `update ${table} set mention_count = 0
      where token = 'BTC' and time = (select max(time) - interval '24 hours' from ${table})`,
  ),
  'windows were not answered': `update cryptoracle.coverage
    set answered = answered - tstzmultirange(tstzrange(
      date_trunc('day', now() - interval '80 hours', 'UTC'), date_trunc('day', now() - interval '30 hours', 'UTC')))
    where token = 'BTC' and metric <> 'CO-A-02-03'`,
  'a metric is refused': "insert into cryptoracle.entitlements values ('CO-A-01-08', now(), now())",
  'old windows are not kept': `update cryptoracle.wanted set keep = interval '100 hours' where granularity = '1h'`,
  'metrics and tokens are left out': `update cryptoracle.wanted
    set tokens = array['BTC', 'XRP', 'BNB'], metrics = metrics[2:7] || array['CO-S-01-01'] where granularity = '4h'`,
  'labels changed, and came out of order': `insert into cryptoracle.token_tags
    select token, tag, value, first_day - 50, first_day - 45 from cryptoracle.token_tags
    where token = 'BTC' and value = 'an older label'`,
};

describe.skipIf(python === undefined)('with pandas and psycopg2 for Python', () => {
  describeOnServers('every row of the views', (kind) => {
    let url: string;
    beforeAll(async () => {
      const database = await createFilledDatabase(kind);
      for (const statement of Object.values(oddities)) await database.pool.query(statement);
      expect(v1Metrics).toContain('CO-A-01-08');
      url = database.url;
    }, 120_000);

    it('is what the tables and the documentation say, in sessions of other time zones', async () => {
      const zones = ['UTC', ...zonesOfChange()];
      const { stdout } = await promisify(execFile)(python ?? '', [script, url, ...zones]);
      const report: Record<string, Record<string, { rows: number; differences: string[] }>> = JSON.parse(
        stdout,
      );
      expect(Object.keys(report)).toEqual(zones);
      for (const [zone, views] of Object.entries(report)) {
        for (const [view, { rows, differences }] of Object.entries(views)) {
          expect(differences, `${view} in ${zone}`).toEqual([]);
          expect(rows, `${view} in ${zone}`).toBeGreaterThan(0);
        }
      }
    }, 120_000);
  });
});
