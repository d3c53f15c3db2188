import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serverAccount } from '../../../harness/accounts.ts';
import { createDatabase } from '../../../harness/databases.ts';
import { DebianServer, findPrograms, withTimescale } from '../../../harness/debian-server.ts';
import { createTemporaryFolder } from '../../../harness/leftovers.ts';
import { compareWithTruth } from '../../../harness/truth.ts';
import { bundledTokens, granularities } from '../../../src/catalog/index.ts';
import { wantedWindows } from '../../../src/planning/plan.ts';
import { liveQueue } from '../../../src/queue/jobs.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { createFolder, runCli } from '../../commands/cli.ts';
import { startTestSimulator } from '../../support/api.ts';
import { day, hour, ManualClock } from '../../support/clock.ts';
import { silent, value } from '../../support/database.ts';
import { openTestQueue, quickerQueue, runPipeline, testSettings } from '../../support/pipeline.ts';
import { onFileEnd } from '../../support/releasers.ts';

/** docs/backup.md, "To any point in time": what it tells people to type, after somebody emptied a table. */

const page = readFileSync(new URL('../../../docs/backup.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## To any point in time'));
const [copy = '', recover = ''] = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(
  ([, block = '']) => block,
);
const archiving = /```\n(archive_mode[\s\S]*?)```/.exec(section)?.[1] ?? '';

const tokens = bundledTokens.slice(0, 3).map(({ token }) => token);
const settings = testSettings({ TOKENS: tokens.join(), HISTORY_START: '2025-06-15' });
const programs = findPrograms('timescaledb.so');
const patience = { timeout: 60_000, interval: 200 };

/** What the page has people write into postgresql.conf, with an archive of the test's own, as arguments of `pg_ctl -o`. */
function archivingInto(folder: string): Record<string, string> {
  const lines = archiving.replaceAll('/backup/wal', folder).trim().split('\n');
  return Object.fromEntries(
    lines.map((line): [string, string] => {
      const [, name = '', text = ''] = /^(\w+) = '?(.*?)'?$/.exec(line) ?? [];
      return [name, `'${text}'`];
    }),
  );
}

describe.skipIf(programs === undefined)('recovery to a point in time', { timeout: 240_000 }, () => {
  it('brings back what was there, with roles and hypertables, and what came later is fetched again', async () => {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({ clock, seed: 5, market: { changedShare: 0 } });
    const folder = createTemporaryFolder('archive');
    onFileEnd(async () => folder.remove());
    const account = serverAccount();
    const wal = join(folder.path, 'wal');
    mkdirSync(wal);
    for (const path of [folder.path, wal]) if (account) chownSync(path, account.uid, account.gid);
    const old = await DebianServer.start(programs ?? '', { ...withTimescale, ...archivingInto(wal) });
    onFileEnd(() => old.stop());

    const type = (text: string, environment: Readonly<Record<string, string>>) => {
      const result = spawnSync('sh', ['-euc', text], {
        ...account,
        cwd: '/',
        encoding: 'utf8',
        env: { PATH: `${programs}:${process.env.PATH}`, ...environment },
      });
      expect([result.status, result.stderr]).toEqual([0, '']);
    };
    const open = (url: string) => {
      const database = new Database(url, { connections: 12 });
      onFileEnd(() => database.close());
      return database;
    };
    const prefix = `recovery-${process.pid}`;
    const work = async (database: Database, isPlanningOnly = false) => {
      const backend = await openTestQueue(quickerQueue(), database, prefix);
      const roles = isPlanningOnly ? (['scheduler'] as const) : undefined;
      const pipeline = await runPipeline({
        ...{ database, simulator, clock, settings, backend },
        ...(roles && { roles }),
      });
      const waiting = async () => {
        const counts = await backend.queue(liveQueue).getJobCounts('waiting', 'prioritized');
        return Object.values(counts).reduce((sum, count) => sum + count, 0);
      };
      if (isPlanningOnly) await expect.poll(waiting, patience).toBeGreaterThan(0);
      else await pipeline.idle();
      await pipeline.stop();
    };
    const contents = (database: Database) =>
      Promise.all(
        [...granularities.map((each) => `metrics_${each}`), 'coverage', 'requests', 'token_tags'].map(
          (table) =>
            value<string>(
              database,
              `select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from cryptoracle.${table} as t`,
            ),
        ),
      );

    const { url } = await createDatabase(old.url);
    const original = open(url);
    await migrate(original, clock, silent);
    await work(original);
    const base = join(folder.path, 'base');
    type(copy, { BASE: base, DATABASE_URL: url });

    // Work after the copy is in the log alone.
    clock.advance(6 * hour);
    await work(original);
    const before = await contents(original);
    const instant = await value<string>(original, 'select clock_timestamp()::text');
    clock.advance(hour);
    await work(original, true);
    await original.pool.query('truncate cryptoracle.metrics_1h, cryptoracle.coverage');
    const last = await value<string>(original, 'select pg_walfile_name(pg_switch_wal())');
    await expect
      .poll(
        () => value<boolean>(original, `select last_archived_wal >= '${last}' from pg_stat_archiver`),
        patience,
      )
      .toBe(true);

    const recovered = await DebianServer.start(programs ?? '', withTimescale, (data) =>
      type(recover, { BASE: base, NEW_DATA: data, WAL_ARCHIVE: wal, INSTANT: instant }),
    );
    onFileEnd(() => recovered.stop());
    const restored = open(Object.assign(new URL(recovered.url), { pathname: new URL(url).pathname }).href);
    await expect.poll(() => value<boolean>(restored, 'select pg_is_in_recovery()'), patience).toBe(false);
    expect(await contents(restored)).toEqual(before);
    const { stdout } = await runCli(createFolder(), ['doctor'], { DATABASE_URL: restored.url });
    expect(stdout).toMatch(/^ok +rights /m);
    expect(stdout).toMatch(/^ok +TimescaleDB .*hypertables/m);

    // The queue is newer than the database now.
    clock.advance(day);
    await work(restored);
    const end = clock.now();
    const { historyStart: start, settleDelay } = settings;
    const wanted = wantedWindows({ start, end }, granularities, end, settleDelay, '08:00');
    const comparison = await compareWithTruth(restored, simulator.market, tokens, wanted, end);
    expect(comparison.differences.slice(0, 3)).toEqual([]);
    expect(comparison.withValue).toBeGreaterThan(5000);
  });
});
