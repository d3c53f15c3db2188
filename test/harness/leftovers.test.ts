import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { birthOf, removeLeftovers } from '../../harness/leftovers.ts';
import { serverUrl } from '../support/database.ts';

const run = fileURLToPath(new URL('started-run.ts', import.meta.url));

/** A process that has started servers and waits. @returns what it started, and its end by `kill -9` */
async function startRun(): Promise<{
  folder: string;
  redis: number;
  database: string;
  kill: () => Promise<void>;
}> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), run], {
    env: { ...process.env, SERVER: serverUrl('plain PostgreSQL') ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  const kill = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return { ...JSON.parse(line), kill };
}

async function isThere(database: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: database });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

describe('what a run starts', () => {
  it('is left alone while the run is alive, and removed by the next run once it was killed', async () => {
    const { folder, redis, database, kill } = await startRun();
    const postgres = Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
    await removeLeftovers();
    expect([birthOf(redis), birthOf(postgres)]).not.toContain(undefined);
    expect([existsSync(folder), await isThere(database)]).toEqual([true, true]);
    await kill();
    expect(birthOf(postgres)).toBeDefined();
    expect(await removeLeftovers()).toBeGreaterThanOrEqual(3);
    expect([birthOf(redis), birthOf(postgres)]).toEqual([undefined, undefined]);
    expect([existsSync(folder), await isThere(database)]).toEqual([false, false]);
  });
});
