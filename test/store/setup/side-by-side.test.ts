import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { createTemporaryFolder } from '../../../harness/leftovers.ts';
import { compareWithTruth } from '../../../harness/truth.ts';
import { bundledTokens, granularities } from '../../../src/catalog/index.ts';
import { wantedWindows } from '../../../src/planning/plan.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { schemaState } from '../../../src/store/setup/migrate.ts';
import { createFolder, runCli } from '../../commands/cli.ts';
import { startTestSimulator } from '../../support/api.ts';
import { hour, ManualClock } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, value } from '../../support/database.ts';
import { openTestQueue, quickerQueue, runPipeline, testSettings } from '../../support/pipeline.ts';
import { onFileEnd } from '../../support/releasers.ts';

/** docs/operations.md, "Upgrades": this program runs on while the next version changes the database under it. */

const migrations = fileURLToPath(new URL('../../../migrations', import.meta.url));
const journal = z.looseObject({
  entries: z.array(z.looseObject({ idx: z.number(), when: z.number(), tag: z.string() })),
});

/** What a next version would do: columns for a metric, and one more note in the log of calls. */
const nextMigration = ['15m', '1h', '4h', '1d']
  .map(
    (granularity) =>
      `alter table cryptoracle.metrics_${granularity} add column of_tomorrow double precision;`,
  )
  .concat(["alter table cryptoracle.requests add column note_of_tomorrow text not null default 'none';"])
  .join('--> statement-breakpoint\n');

async function migrateToNext(database: Database): Promise<void> {
  const folder = createTemporaryFolder('migrations');
  onFileEnd(async () => folder.remove());
  cpSync(migrations, folder.path, { recursive: true });
  const file = join(folder.path, 'meta', '_journal.json');
  const known = journal.parse(JSON.parse(readFileSync(file, 'utf8')));
  const last = known.entries.at(-1);
  if (last === undefined) throw new Error('there are no migrations');
  const next = { ...last, idx: last.idx + 1, when: last.when + 1, tag: 'of_tomorrow' };
  writeFileSync(file, JSON.stringify({ ...known, entries: [...known.entries, next] }));
  writeFileSync(join(folder.path, 'of_tomorrow.sql'), nextMigration);
  const options = { migrationsSchema: 'cryptoracle', migrationsTable: 'migrations' };
  await database.connect((connection) =>
    connection.use('migrations', (client) =>
      runMigrations(drizzle({ client }), { migrationsFolder: folder.path, ...options }),
    ),
  );
}

describeOnServers('a pipeline whose database a newer version changes', (kind) => {
  it('goes on without a gap; started again, it is refused with what to do', async () => {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({ clock, seed: 7, market: { changedShare: 0 } });
    const database = await createTestDatabase(kind);
    const tokens = bundledTokens.slice(0, 3).map(({ token }) => token);
    const settings = testSettings({ TOKENS: tokens.join(), HISTORY_START: '2025-06-15' });
    const backend = await openTestQueue(quickerQueue(), database);
    const pipeline = await runPipeline({ database, simulator, clock, settings, backend });
    const planAll = async () => {
      for (const granularity of granularities) {
        await pipeline.planner.planNewest(granularity, true);
        await pipeline.planner.planOlder(granularity);
      }
    };
    await pipeline.idle();
    clock.advance(6 * hour);
    await Promise.all([planAll(), migrateToNext(database)]);
    expect(await schemaState(database)).toBe('ahead');
    clock.advance(6 * hour);
    await planAll();
    await pipeline.idle();
    await pipeline.stop();

    const end = clock.now();
    const { historyStart: start, settleDelay } = settings;
    const wanted = wantedWindows({ start, end }, granularities, end, settleDelay, '08:00');
    const comparison = await compareWithTruth(database, simulator.market, tokens, wanted, end);
    expect(comparison.differences.slice(0, 3)).toEqual([]);
    expect(comparison.withValue).toBeGreaterThan(3000);
    expect(await value(database, 'select count(of_tomorrow)::int from cryptoracle.metrics_1h')).toBe(0);
    // What people read is as it was.
    expect(await value(database, 'select count(*)::int from cryptoracle.latest')).toBeGreaterThan(0);
    const again = await runCli(createFolder(), ['status'], { DATABASE_URL: database.url });
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/newer version/)]);
  });
});
