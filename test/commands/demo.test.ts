import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTemporaryFolder } from '../../harness/leftovers.ts';
import { compareWithTruth } from '../../harness/truth.ts';
import { beijingDay } from '../../src/beijing.ts';
import { bundledTokens, granularities } from '../../src/catalog/index.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { Market } from '../../src/simulator/index.ts';
import { Database } from '../../src/store/connection/database.ts';
import { type EmbeddedDatabase, startEmbedded } from '../../src/store/connection/embedded/index.ts';
import { day, hour } from '../support/clock.ts';
import { silent, value } from '../support/database.ts';

describe('demo', () => {
  const folder = createTemporaryFolder('demo');
  const started = Date.now();
  let embedded: EmbeddedDatabase;
  let database: Database;

  function demo() {
    return spawnSync(process.execPath, [inject('program'), 'demo', '--days', '1', '--exit'], {
      cwd: folder.path,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: folder.path, DATA_DIR: join(folder.path, 'data') },
    });
  }

  let first: ReturnType<typeof demo>;

  beforeAll(async () => {
    first = demo();
    embedded = await startEmbedded(join(folder.path, 'data', 'demo'), silent);
    database = new Database(embedded.url, { connections: 2 });
  }, 120_000);

  afterAll(async () => {
    await database.close();
    await embedded.stop();
    folder.remove();
  });

  it('fills every granularity of every token and tells what is hot and how to look at it', () => {
    expect(first.stderr).toContain('asked for');
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(/token +mentions +share/);
    expect(first.stdout).toContain('psql postgresql://');
    expect(first.stdout).toMatch(/DATA_DIR=\S+demo npm run cryptoracle/);
  });

  it('holds the truth of the simulator in every cell whose value is final', async () => {
    // All values are final six hours after their window closed.
    const range = { start: beijingDay(started) - day, end: started };
    const wanted = wantedWindows(range, granularities, started, 6 * hour, '08:00');
    const tokens = bundledTokens.map(({ token }) => token);
    const comparison = await compareWithTruth(database, new Market({ seed: 1 }), tokens, wanted, started);
    const within = comparison.differences.filter(({ metric }) => metric !== 'row not wanted');
    expect(within.slice(0, 3)).toEqual([]);
    expect(comparison.cells).toBeGreaterThan(200_000);
    expect(comparison.withValue).toBeGreaterThan(100_000);
  });

  it('asks for nothing that it has when it runs again', async () => {
    const calls = () => value<number>(database, 'select count(*)::int from cryptoracle.requests');
    const before = await calls();
    const second = demo();
    expect(second.status).toBe(0);
    // A window of some granularity may have settled between the two.
    expect((await calls()) - before).toBeLessThanOrEqual(8);
  });
});
