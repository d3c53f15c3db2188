import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../../harness/servers.ts';
import { createFolder, type Environment, expectMistake, runCli, settingsFor } from '../../commands/cli.ts';
import { startTestSimulator } from '../../support/api.ts';

describe('a standby server', () => {
  const folder = createFolder();
  let server: PostgresServer;
  let settings: Environment;
  beforeAll(async () => {
    server = await PostgresServer.start({ fsync: 'off' });
    settings = settingsFor(await startTestSimulator({}), server.url);
    await runCli(folder, ['migrate'], settings);
    await server.becomeStandby();
  });
  afterAll(() => server.stop());

  it.each(['gaps', 'status', 'events'])('is read by `%s`', async (command) => {
    const { code, stderr } = await runCli(folder, [command], settings);
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
  });

  it.each([['start'], ['migrate'], ['backfill', '--from', '2025-01-01', '--to', '2025-01-02']])(
    'is named where `%s` would write',
    async (...args) => {
      const ended = await runCli(folder, args, settings);
      expectMistake(ended, ['DATABASE_URL', 'is a standby', 'primary'], 75);
    },
  );

  it('is named by `doctor`, with the remedy', async () => {
    const { code, stdout, stderr } = await runCli(folder, ['doctor'], settings);
    expect(stdout).toMatch(/a standby.*\n.*primary's address/);
    expect([code, stderr]).toEqual([1, '']);
  });
});
