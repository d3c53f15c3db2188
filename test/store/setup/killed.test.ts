import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { schemaState } from '../../../src/store/setup/migrate.ts';
import { createFolder, runCli, startCli } from '../../commands/cli.ts';
import { createEmptyDatabase, describeOnServers, value, withDatabase } from '../../support/database.ts';

/** `migrate.test.ts` interrupts each step of a migration, in this process; here one is killed wherever it is. */

const folder = createFolder();

describeOnServers('the first migrate', (kind) => {
  // From the first tables on to the last steps.
  it.each([0, 60, 250])(
    'is finished by the next one when it was killed %d ms after its tables were there',
    async (delay) => {
      const url = await createEmptyDatabase(kind);
      await withDatabase(url, async (database) => {
        const first = startCli(folder, ['migrate'], { DATABASE_URL: url });
        const isBegun = () =>
          value<boolean>(database, "select to_regclass('cryptoracle.migrations') is not null");
        await expect.poll(isBegun, { timeout: 60_000, interval: 1 }).toBe(true);
        await sleep(delay);
        first.process.kill('SIGKILL');
        await first.ended;
        const views = () =>
          value<number>(database, "select count(*)::int from pg_views where schemaname = 'cryptoracle'");
        // A setup that is called whole has its views, and all else.
        if ((await schemaState(database)) === 'current') expect(await views()).toBeGreaterThan(10);
        const status = await runCli(folder, ['status'], { DATABASE_URL: url });
        expect(status.code).toBe((await schemaState(database)) === 'current' ? 0 : 1);

        expect((await runCli(folder, ['migrate'], { DATABASE_URL: url })).code).toBe(0);
        expect(await schemaState(database)).toBe('current');
        expect(await views()).toBeGreaterThan(10);
        expect(await value(database, 'select count(*)::int from cryptoracle.metric_catalog')).toBeGreaterThan(
          10,
        );
        if (kind === 'TimescaleDB') {
          const made =
            "select count(*)::int from timescaledb_information.hypertables where hypertable_schema = 'cryptoracle'";
          expect(await value(database, made)).toBe(4);
        }
      });
    },
    180_000,
  );
});
