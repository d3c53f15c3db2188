import { once } from 'node:events';
import { createServer } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { startTestSimulator } from '../support/api.ts';
import { createTestDatabase, value } from '../support/database.ts';
import { createFolder, expectMistake, runCli, settingsFor } from './cli.ts';

const range = ['--from', '2025-06-01', '--to', '2025-06-02'];
const dryRun = ['backfill', ...range, '--dry-run'];

describe('a mistake on the command line is one line that names it:', () => {
  const folder = createFolder();
  let database: Database;
  let simulator: Simulator;
  let usedPort: number;
  beforeAll(async () => {
    database = await createTestDatabase('plain PostgreSQL');
    simulator = await startTestSimulator({});
    const server = createServer().listen(0, '127.0.0.1').unref();
    await once(server, 'listening');
    const address = server.address();
    usedPort = typeof address === 'object' && address !== null ? address.port : 0;
  });

  it.concurrent.each<[string, readonly string[], readonly string[]]>([
    ['an unknown token', [...dryRun, '--token', 'BTC,btc'], ['--token', "'btc'", 'BTC']],
    ['an unknown metric', [...dryRun, '--metric', 'mention_count,CO-Z-9'], ['--metric', "'CO-Z-9'"]],
    ['an unknown granularity', [...dryRun, '--granularity', '1h,5m'], ['--granularity', "'5m'", '15m']],
    ['a date that does not exist', ['backfill', '--from', '2025-02-30'], ['--from', "'2025-02-30'"]],
    ['a word instead of a date', ['gaps', '--to', 'someday'], ['--to', "'someday'"]],
    ['--from after --to', ['backfill', '--from', '2025-06-02', '--to', '2025-06-01'], ['--from', '--to']],
    ['a missing --from', ['backfill', '--to', '2025-06-01'], ['--from']],
    ['an unknown command', ['backfil'], ["'backfil'", 'Did you mean backfill?']],
  ])('%s', async (_, args, named) => {
    expectMistake(await runCli(folder, args, settingsFor(simulator, database.url)), named);
  });

  it.concurrent('a port in use', async () => {
    const ended = await runCli(folder, ['simulate', '--port', String(usedPort)]);
    expectMistake(ended, ['--port', String(usedPort), 'in use']);
  });

  it('and nothing of all that asks for values or enters a backfill', async () => {
    expect(await value<number>(database, 'select count(*)::int from cryptoracle.backfills')).toBe(0);
    expect(simulator.log.filter(({ call }) => call === 'endpoint')).toEqual([]);
  });
});
