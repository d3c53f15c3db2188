import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../../src/store/connection/database.ts';
import { type EmbeddedDatabase, startEmbedded } from '../../../../src/store/connection/embedded/index.ts';
import { packaged } from '../../../../src/store/connection/embedded/programs.ts';
import { startCli } from '../../../commands/cli.ts';
import { silent, value } from '../../../support/database.ts';

const small = { shared_buffers: '16MB', max_connections: '20', fsync: 'off' };
/** The npm package's server, which is the same on every machine. */
const start = (folder: string) => startEmbedded(folder, silent, small, packaged);

async function ask<T>(url: string, statement: string): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query({ text: statement, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

/** The process of the server whose data are in the folder, if it runs. */
function processOf(folder: string): number | undefined {
  const file = join(folder, 'postgres', 'postmaster.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined;
}

const listens = (url: string) =>
  ask<number>(url, 'select 1').then(
    () => true,
    () => false,
  );

describe('the embedded database', () => {
  let folder: string;
  let embedded: EmbeddedDatabase;
  beforeAll(async () => {
    const parent = mkdtempSync(join(tmpdir(), 'cryptoracle-test-'));
    // The server's account must get in where the tests run as root.
    chmodSync(parent, 0o755);
    folder = join(parent, 'data of a test');
    embedded = await start(folder);
  });
  afterAll(async () => {
    await embedded.stop();
    rmSync(dirname(folder), { recursive: true, force: true });
  });

  it('is a PostgreSQL that will do, with a database of its own, for this machine only', async () => {
    const database = await openDatabase(embedded.url, { connections: 1 });
    expect(await value<string>(database, 'select current_database()')).toBe('cryptoracle');
    expect(await value<string>(database, 'show server_encoding')).toBe('UTF8');
    expect(await value<string>(database, 'show listen_addresses')).toBe('127.0.0.1');
    await database.close();
  });

  it('has a password that only its owner can read, and lets nobody in without it', async () => {
    const file = join(folder, 'postgres.password');
    const password = readFileSync(file, 'utf8').trim();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(password.length).toBeGreaterThanOrEqual(20);
    expect(new URL(embedded.url).password).toBe(encodeURIComponent(password));
    const wrong = new URL(embedded.url);
    wrong.password = 'wrong';
    await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('is joined by a second start, and stopped by the last to leave', async () => {
    const second = await start(folder);
    expect(second.url).toBe(embedded.url);
    const pid = processOf(folder);
    await second.release();
    // Whoever started it uses it still, though no question of theirs is under way.
    expect(processOf(folder)).toBe(pid);
    const client = new pg.Client({ connectionString: embedded.url });
    await client.connect();
    await embedded.release();
    expect(processOf(folder)).toBe(pid);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
    await expect
      .poll(
        async () => {
          await embedded.release();
          return processOf(folder);
        },
        { timeout: 30_000 },
      )
      .toBeUndefined();
    expect(await listens(embedded.url)).toBe(false);
    embedded = await start(folder);
  });

  it('is not stopped under one who comes while another leaves', async () => {
    for (let turn = 0; turn < 6; turn++) {
      const [next] = await Promise.all([start(folder), embedded.release()]);
      expect(await listens(next.url), `turn ${turn}`).toBe(true);
      embedded = next;
    }
  });

  it('is one server where two start it at the same time', async () => {
    await embedded.stop();
    const both = await Promise.allSettled([start(folder), start(folder)]);
    const started = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(started.length).toBeGreaterThanOrEqual(1);
    embedded = await start(folder);
    expect(await listens(embedded.url)).toBe(true);
    for (const each of started) expect(await listens(each.url)).toBe(true);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  it('has a port by its folder, which another folder beside it leaves free', async () => {
    const other = join(dirname(folder), 'another');
    const portOf = ({ url }: EmbeddedDatabase) => new URL(url).port;
    const first = await start(other);
    const port = portOf(first);
    expect(port).not.toBe(portOf(embedded));
    await first.stop();
    const again = await start(other);
    expect(portOf(again)).toBe(port);
    await again.stop();
  });

  it('gives the server nothing of our environment, and sees through a lock file whose number belongs to another process of the same account by now', async () => {
    const other = join(dirname(folder), 'another');
    process.env.CRYPTORACLE_TEST_SECRET = 'of-a-test';
    const first = await start(other);
    delete process.env.CRYPTORACLE_TEST_SECRET;
    const environment = readFileSync(`/proc/${processOf(other)}/environ`, 'utf8');
    expect(environment).toContain('LC_ALL=C');
    expect(environment).not.toContain('of-a-test');
    const file = join(other, 'postgres', 'postmaster.pid');
    const lock = readFileSync(file, 'utf8');
    const { uid, gid } = statSync(join(other, 'postgres'));
    const stranger: ChildProcess = spawn('sleep', ['600'], { uid, gid, stdio: 'ignore', cwd: '/' });
    await first.stop();
    writeFileSync(file, lock.replace(/^\d+/, String(stranger.pid)));
    const again = await start(other);
    expect(await ask(again.url, 'select 1')).toBe(1);
    expect(processOf(other)).not.toBe(stranger.pid);
    expect(stranger.exitCode).toBeNull();
    stranger.kill();
    await again.stop();
  });

  it('keeps its data over a restart', async () => {
    await ask(embedded.url, "create table kept as select 'still here' as note");
    await embedded.stop();
    expect(await listens(embedded.url)).toBe(false);
    embedded = await start(folder);
    expect(await ask(embedded.url, 'select note from kept')).toBe('still here');
  });

  it('recovers, with everything that was committed, after its server was killed', async () => {
    await ask(embedded.url, 'create table committed as select 42 as number');
    const pid = processOf(folder);
    if (pid === undefined) throw new Error('the server does not run');
    process.kill(pid, 'SIGKILL');
    embedded = await start(folder);
    expect(processOf(folder)).not.toBe(pid);
    expect(await ask(embedded.url, 'select number from committed')).toBe(42);
  });
});

describe('the first start on a data folder', () => {
  let parent: string;
  beforeAll(() => {
    parent = mkdtempSync(join(tmpdir(), 'cryptoracle-test-'));
    chmodSync(parent, 0o755);
  });
  afterAll(() => {
    rmSync(parent, { recursive: true, force: true });
  });

  it('is well in both of two processes that make it at once', async () => {
    const folder = join(parent, 'shared');
    const migrations = [1, 2].map(() => startCli(parent, ['migrate'], { DATA_DIR: folder }).ended);
    const ended = await Promise.all(migrations);
    expect(ended.map(({ code, stderr }) => ({ code, errors: stderr.match(/error.*/g) }))).toEqual([
      { code: 0, errors: null },
      { code: 0, errors: null },
    ]);
    expect(readdirSync(folder).sort()).toEqual(['postgres', 'postgres.password']);
  });

  it('refuses a folder that holds something else, and leaves that alone', async () => {
    const folder = join(parent, 'occupied');
    mkdirSync(join(folder, 'postgres'), { recursive: true });
    writeFileSync(join(folder, 'postgres', 'letter.txt'), 'mine');
    await expect(start(folder)).rejects.toThrow(/DATA_DIR: .*holds files that are no database/);
    expect(readdirSync(join(folder, 'postgres'))).toEqual(['letter.txt']);
  });
});

describe('the embedded database in a folder that nobody else may enter', () => {
  let parent: string;
  let embedded: EmbeddedDatabase | undefined;
  let elsewhere: string | undefined;
  beforeAll(() => {
    parent = mkdtempSync(join(tmpdir(), 'cryptoracle-test-'));
    chmodSync(parent, 0o700);
  });
  afterAll(async () => {
    await embedded?.stop();
    rmSync(parent, { recursive: true, force: true });
    if (elsewhere !== undefined) rmSync(elsewhere, { recursive: true, force: true });
  });

  it('starts, keeps its data over a restart, and leaves a link where they are kept elsewhere', async () => {
    const folder = join(parent, 'checkout', '.data');
    mkdirSync(folder, { recursive: true });
    embedded = await start(folder);
    const link = join(folder, 'postgres');
    const data = realpathSync(link);
    if (process.getuid?.() === 0) {
      elsewhere = dirname(data);
      expect(data).toMatch(/^\/var\/lib\/cryptoracle\/[0-9a-f]{12}\/postgres$/);
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
    } else {
      expect(data).toBe(`${realpathSync(folder)}/postgres`);
    }
    expect(statSync(data).mode & 0o077).toBe(0);
    await ask(embedded.url, "create table kept as select 'still here' as note");
    await embedded.stop();
    embedded = await start(folder);
    expect(await ask(embedded.url, 'select note from kept')).toBe('still here');
  });
});
