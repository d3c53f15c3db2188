import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPrograms as findInstalled } from '../../../../harness/debian-server.ts';
import { UserError } from '../../../../src/errors.ts';
import { startEmbedded } from '../../../../src/store/connection/embedded/index.ts';
import { findPrograms, packaged } from '../../../../src/store/connection/embedded/programs.ts';
import { silent } from '../../../support/database.ts';

let parent: string;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'cryptoracle-test-'));
  chmodSync(parent, 0o755);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** A folder of programs that only say a version. @returns their folder */
function pretend(installations: string, version: string, without?: string): string {
  const bin = join(installations, version.split('.')[0] ?? '', 'bin');
  mkdirSync(bin, { recursive: true });
  for (const program of ['postgres', 'initdb', 'pg_ctl'].filter((each) => each !== without)) {
    writeFileSync(join(bin, program), `#!/bin/sh\necho "${program} (PostgreSQL) ${version} (Debian)"\n`, {
      mode: 0o755,
    });
  }
  return bin;
}

function dataOf(major: string): string {
  const folder = mkdtempSync(join(parent, 'data-'));
  writeFileSync(join(folder, 'PG_VERSION'), `${major}\n`);
  return folder;
}

describe('the programs of the embedded database', () => {
  const none = () => join(parent, 'no data');
  let several: string;
  beforeAll(() => {
    several = join(parent, 'several');
    for (const version of ['9.6', '14.20', '15.14', '17.6']) pretend(several, version);
    pretend(several, '19.1', 'initdb');
  });

  it('are the newest whole ones of the distribution, for new data', async () => {
    expect(await findPrograms(none(), undefined, several)).toEqual({
      bin: join(several, '17', 'bin'),
      major: 17,
      isPackaged: false,
    });
  });

  it('are those of the npm package where the distribution has none that will do, or they are asked for', async () => {
    const old = join(parent, 'old');
    pretend(old, '14.20');
    const found = await Promise.all([
      findPrograms(none(), undefined, old),
      findPrograms(none(), undefined, join(parent, 'nothing')),
      findPrograms(none(), packaged, several),
    ]);
    for (const programs of found) expect(programs).toMatchObject({ isPackaged: true, major: 18 });
  });

  it.each([['15'], ['14']])('are those of version %s for data of it, whatever is newer', async (major) => {
    expect(await findPrograms(dataOf(major), undefined, several)).toMatchObject({
      bin: join(several, major, 'bin'),
    });
  });

  it('are those of the npm package for data of its version', async () => {
    expect(await findPrograms(dataOf('18'), undefined, several)).toMatchObject({ isPackaged: true });
  });

  it('are missing for data of a version that is not here, with what to do', async () => {
    const wish = findPrograms(dataOf('16'), undefined, several);
    await expect(wish).rejects.toThrow(UserError);
    await expect(wish).rejects.toThrow(/are of PostgreSQL 16, .*postgresql-16.*POSTGRES_BIN/);
  });

  it('are those of POSTGRES_BIN, if they can read the data', async () => {
    const bin = join(several, '15', 'bin');
    expect(await findPrograms(none(), bin, several)).toEqual({ bin, major: 15, isPackaged: false });
    await expect(findPrograms(dataOf('17'), bin, several)).rejects.toThrow(/of PostgreSQL 17, and .* is 15/);
    await expect(findPrograms(none(), join(several, '14', 'bin'))).rejects.toThrow(
      /is PostgreSQL 14; 15 or newer/,
    );
    await expect(findPrograms(none(), join(several, '19', 'bin'))).rejects.toThrow(
      /has no postgres, initdb, pg_ctl/,
    );
    await expect(findPrograms(none(), 'several/15/bin')).rejects.toThrow(/POSTGRES_BIN: .*from the root on/);
  });
});

/** The version of the server, and where it listens. */
async function look(url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int / 10000 as major, current_setting('listen_addresses') as address,
       current_setting('shared_preload_libraries') as libraries`,
  );
  await client.end();
  return rows[0];
}

const bin = findInstalled();

describe.runIf(bin !== undefined)("a server of this machine's distribution", () => {
  it('runs the embedded database on its own data, and goes on doing so', async () => {
    const folder = join(parent, 'of the distribution');
    const major = Number(/\/(\d+)\/bin$/.exec(bin ?? '')?.[1]);
    for (const start of ['first', 'second']) {
      const embedded = await startEmbedded(folder, silent, { shared_buffers: '16MB', fsync: 'off' });
      expect(await look(embedded.url)).toMatchObject({ major, address: '127.0.0.1', libraries: '' });
      expect(embedded.isNew).toBe(start === 'first');
      await embedded.stop();
    }
    expect(readFileSync(join(folder, 'postgres', 'PG_VERSION'), 'utf8').trim()).toBe(String(major));
  });

  it('leaves data that the npm package has made to that', async () => {
    const folder = join(parent, 'of the package');
    const small = { shared_buffers: '16MB', fsync: 'off' };
    await (await startEmbedded(folder, silent, small, packaged)).stop();
    const embedded = await startEmbedded(folder, silent, small);
    expect(await look(embedded.url)).toMatchObject({ major: 18 });
    await embedded.stop();
  });
});
