import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { startEmbedded } from '../../../src/store/connection/embedded/index.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { silent, value } from '../../support/database.ts';
import { grantsOf } from '../../support/grants.ts';
import { expectedOf, recorder } from './rights.ts';

describe('where roles cannot be made', () => {
  it('a migration says so and does all the rest; once they are there it gives them their rights', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cryptoracle-test-'));
    // A server without the roles of the other tests; its account must get in.
    const server = await startEmbedded(folder, silent, { fsync: 'off', max_connections: '20' });
    const admin = new pg.Client({ connectionString: server.url });
    const url = new URL(server.url);
    Object.assign(url, { username: 'plain_owner', password: 'of-a-test' });
    const owner = new Database(url.href, { connections: 2 });
    try {
      await admin.connect();
      await admin.query("create role plain_owner login password 'of-a-test'");
      await admin.query(`alter database ${url.pathname.slice(1)} owner to plain_owner`);
      const { warnings, log } = recorder();
      await migrate(owner, systemClock, log);
      for (const role of ['cryptoracle_reader', 'cryptoracle_worker'])
        expect(warnings).toContainEqual(
          expect.stringMatching(new RegExp(`may not create roles: have ${role} `)),
        );
      expect(await value(owner, 'select count(*)::int from cryptoracle.tokens')).toBe(200);

      await admin.query('create role cryptoracle_reader; create role cryptoracle_worker');
      await migrate(owner, systemClock, silent);
      expect(await grantsOf(owner, 'cryptoracle_reader')).toEqual(expectedOf('reader'));
      expect(await grantsOf(owner, 'cryptoracle_worker')).toEqual(expectedOf('worker'));
    } finally {
      await admin.end();
      await owner.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
