import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from '../../../harness/client.ts';
import { createDatabase } from '../../../harness/databases.ts';
import { DebianServer, findPrograms, withTimescale } from '../../../harness/debian-server.ts';
import { formatBeijingDate } from '../../../src/beijing.ts';
import type { Simulator } from '../../../src/simulator/index.ts';
import { createFolder, type Environment, runCli, settingsFor } from '../../commands/cli.ts';
import { startTestSimulator } from '../../support/api.ts';
import { day } from '../../support/clock.ts';
import { describeOnServers, serverUrl } from '../../support/database.ts';
import { onFileEnd } from '../../support/releasers.ts';

/** Databases as hosts hand them out. */

const daysAgo = (days: number) => formatBeijingDate(Date.now() - days * day);
const scope: Environment = { TOKENS: 'BTC,ETH,IOTA', GRANULARITIES: '4h,1d', HISTORY_START: daysAgo(9) };
const backfill = ['backfill', '--from', daysAgo(8), '--to', daysAgo(2)];

/** Lines of the log that warn of something. */
const warnings = (stderr: string) =>
  stderr.split('\n').flatMap((line) => (line.includes('"level":40') ? [String(JSON.parse(line).msg)] : []));

describeOnServers('a database whose owner is no superuser, with a Turkish collation,', (kind) => {
  const folder = createFolder();
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startTestSimulator({});
  });

  /** A database of an owner's own, which has TimescaleDB where its server has. */
  async function createOwned(right: string): Promise<Environment> {
    const server = serverUrl(kind) ?? '';
    const owner = `test_owner_${randomBytes(6).toString('hex')}`;
    await withClient(server, (client) =>
      client.query(`create role ${owner} login ${right} password 'of a test'`),
    );
    onFileEnd(() => withClient(server, (client) => client.query(`drop role ${owner}`)));
    const { url, drop } = await createDatabase(server, 'template0', `owner ${owner} ${turkish}`);
    onFileEnd(drop);
    if (kind === 'TimescaleDB')
      await withClient(url, (client) => client.query('create extension timescaledb'));
    return {
      ...settingsFor(simulator, Object.assign(new URL(url), { username: owner, password: 'of a test' }).href),
      ...scope,
    };
  }
  const turkish = "encoding 'UTF8' locale_provider icu icu_locale 'tr-TR' locale 'C'";

  // One of them on each server tells as much as both on both.
  const right = kind === 'TimescaleDB' ? 'nocreaterole' : 'createrole';

  it(`and who has ${right}, is migrated, filled and complete`, async () => {
    const settings = await createOwned(right);
    const migrated = await runCli(folder, ['migrate'], settings);
    expect([migrated.code, migrated.stdout]).toEqual([0, 'the database has the newest schema\n']);
    const filled = await runCli(folder, backfill, settings);
    expect(filled.code, filled.stderr).toBe(0);
    const gaps = await runCli(folder, ['gaps', '--from', daysAgo(8), '--to', daysAgo(2), '--json'], settings);
    expect(JSON.parse(gaps.stdout)).toMatchObject([]);
    const status = await runCli(folder, ['status'], settings);
    expect(status.stderr).not.toContain('error');
  });
});

const programs = findPrograms('timescaledb.so');

describe.skipIf(programs === undefined)('TimescaleDB with the Apache licence', () => {
  const folder = createFolder();
  let server: DebianServer;
  let settings: Environment;
  beforeAll(async () => {
    server = await DebianServer.start(programs ?? '', { ...withTimescale, 'timescaledb.license': 'apache' });
    settings = {
      ...settingsFor(await startTestSimulator({}), (await createDatabase(server.url)).url),
      ...scope,
    };
  });
  afterAll(() => server.stop());

  it('keeps hypertables without compression, which is told once', async () => {
    const { code, stderr } = await runCli(folder, ['migrate'], settings);
    expect(code).toBe(0);
    expect(warnings(stderr)).toEqual([
      'this TimescaleDB has the Apache licence: hypertables are used, without compression',
    ]);
    const tables = await withClient(settings.DATABASE_URL ?? '', (client) =>
      client.query('select compression_enabled from timescaledb_information.hypertables'),
    );
    expect(tables.rows).toEqual(Array(4).fill({ compression_enabled: false }));
  });

  it('is filled, and `doctor` names the licence', async () => {
    expect((await runCli(folder, backfill, settings)).code).toBe(0);
    const { stdout } = await runCli(folder, ['doctor'], settings);
    expect(stdout).toMatch(/^warning +TimescaleDB +[\d.]+, hypertables, without compression: .*Apache/m);
  });

  it('removes old chunks', async () => {
    const removed = await withClient(settings.DATABASE_URL ?? '', async (client) => {
      await client.query(
        "insert into cryptoracle.metrics_4h (time, token, first_seen_at, updated_at) values ('2020-01-01', 'BTC', now(), now())",
      );
      return client.query("select cryptoracle.retire('4h', '2024-01-01') as chunks");
    });
    expect(removed.rows).toEqual([{ chunks: '1' }]);
  });
});
