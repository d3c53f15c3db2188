import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { createTemporaryFolder } from '../../../harness/leftovers.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { migrate, schemaState } from '../../../src/store/setup/migrate.ts';
import { setUpTimescale } from '../../../src/store/setup/timescale.ts';
import { ManualClock } from '../../support/clock.ts';
import {
  createEmptyDatabase,
  describeOnServers,
  dropDatabase,
  rows,
  silent,
  value,
} from '../../support/database.ts';
import { onFileEnd } from '../../support/releasers.ts';
import { answer, mentions, row, start } from '../answers/answering.ts';

/** Every earlier schema with data in it comes to the newest one, and loses nothing. */

const migrations = fileURLToPath(new URL('../../../migrations', import.meta.url));
const journal = z
  .looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) })
  .parse(JSON.parse(readFileSync(join(migrations, 'meta', '_journal.json'), 'utf8')));

/** The migrations until one of them, as a program of that time had them. */
function folderUntil(position: number): string {
  const folder = createTemporaryFolder('migrations');
  onFileEnd(async () => folder.remove());
  const entries = journal.entries.slice(0, position + 1);
  mkdirSync(join(folder.path, 'meta'));
  writeFileSync(join(folder.path, 'meta', '_journal.json'), JSON.stringify({ ...journal, entries }));
  for (const { tag } of entries) cpSync(join(migrations, `${tag}.sql`), join(folder.path, `${tag}.sql`));
  return folder.path;
}

async function applyUntil(database: Database, position: number): Promise<void> {
  const migrationsFolder = folderUntil(position);
  await database.connect((connection) =>
    connection.use('migrations', (client) =>
      runMigrations(drizzle({ client }), {
        ...{ migrationsFolder, migrationsSchema: 'cryptoracle', migrationsTable: 'migrations' },
      }),
    ),
  );
}

/** What the first version of the program could have stored. */
const firstData = `
  insert into cryptoracle.metrics_1h (time, token, mention_count, net_sentiment, first_seen_at, updated_at)
  select hour, token, 7, 0.25, hour + interval '80 minutes', hour + interval '80 minutes'
  from generate_series('2025-01-01'::timestamptz, '2025-01-02', '1 hour') as hour, unnest(array['BTC', 'ETH']) as token;
  insert into cryptoracle.coverage values ('1h', 'BTC', 'CO-A-02-03', '{[2025-01-01, 2025-01-02)}');
  insert into cryptoracle.tokens values ('BTC', 'Bitcoin', 1, true, '2025-01-01', '2025-01-01');
  insert into cryptoracle.token_tags values ('BTC', 'CO-B-01-01', 'Bitcoin', '2025-01-01', '2025-01-02');
  insert into cryptoracle.requests (sent_at, what, lane, granularity, outcome, milliseconds)
  values ('2025-01-01', 'values', 'live', '1h', 'answered', 120);
  insert into cryptoracle.revisions (granularity, token, time, metric, old, new, revised_at)
  values ('1h', 'BTC', '2025-01-01', 'CO-A-01-05', 6, 7, '2025-01-01 03:00');
  insert into cryptoracle.quarantine (granularity, token, reason, raw, first_seen_at, last_seen_at)
  values ('1h', 'BTC', 'not a number', '"x"', '2025-01-01', '2025-01-01');
  insert into cryptoracle.backfills (windows_from, windows_to, granularities, tokens, metrics, state, started_at)
  values ('2025-01-01', '2025-01-02', '{1h}', '{BTC}', '{CO-A-02-03}', 'done', '2025-01-01')`;

describeOnServers('a database of an earlier version', (kind) => {
  const last = journal.entries.length - 1;
  // On hypertables the first and the newest but one are enough: the statements are the same.
  const versions = journal.entries
    .slice(0, -1)
    .map(({ tag }, position) => ({ tag, position }))
    .filter(({ position }) => kind === 'plain PostgreSQL' || [0, last - 1].includes(position));

  it.each(versions)('$tag comes to the newest schema with all that is in it', async ({ position }) => {
    const url = await createEmptyDatabase(kind);
    const database = new Database(url, { connections: 2 });
    onFileEnd(async () => {
      await database.close();
      await dropDatabase(kind, url);
    });
    await applyUntil(database, 0);
    await database.connect((connection) => setUpTimescale(connection, silent));
    await database.pool.query(firstData);
    if (kind === 'TimescaleDB')
      await database.pool.query("select compress_chunk(show_chunks('cryptoracle.metrics_1h'))");
    await applyUntil(database, position);
    expect(await schemaState(database)).toBe('behind');

    await migrate(database, new ManualClock('2025-02-01T00:00:00Z'), silent);
    expect(await schemaState(database)).toBe('current');
    const kept = await rows(
      database,
      `select count(*)::int, min(mention_count), max(net_sentiment) from cryptoracle.metrics_1h`,
    );
    expect(kept).toEqual([{ count: 50, min: 7, max: 0.25 }]);
    for (const table of ['token_tags', 'requests', 'revisions', 'quarantine', 'backfills'])
      expect(await value(database, `select count(*)::int from cryptoracle.${table}`), table).toBe(1);
    expect(
      await value(
        database,
        "select answered @> '2025-01-01 05:00+00'::timestamptz from cryptoracle.coverage where token = 'BTC'",
      ),
    ).toBe(true);
    // What was known before the revision, and after it.
    const known =
      "select mention_count from cryptoracle.as_of('1h', $1) where token = 'BTC' and time = '2025-01-01'";
    expect(await value(database, known, ['2025-01-01 02:00+00'])).toBe(6);
    expect(await value(database, known, ['2025-01-01 04:00+00'])).toBe(7);
    const seen = "select count(*)::int from cryptoracle.metrics where granularity = '1h' and token = 'ETH'";
    expect(await value(database, seen)).toBe(25);
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 9 })] }));
    expect(
      await value(
        database,
        'select mention_count from cryptoracle.metrics_1h where token = $1 and time = $2',
        ['BTC', new Date(start)],
      ),
    ).toBe(9);
  });
});
