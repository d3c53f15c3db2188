import { expect, it } from 'vitest';
import { asToken } from '../../src/catalog/index.ts';
import { Runtime } from '../../src/commands/runtime.ts';
import { parseSettings } from '../../src/config.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import { startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { hour, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, silent, value } from '../support/database.ts';

it('a running pipeline uses the key that the settings have now, as soon as it may ask again', async () => {
  const clock = new ManualClock('2025-06-17T02:20:00Z');
  const simulator = await startTestSimulator({ clock });
  const database = await createTestDatabase('plain PostgreSQL');
  const { apiKey, signSecret = '', dataSecret = '', dataIv = '' } = simulator.credentials;
  const settingsWith = (key: string) =>
    parseSettings({
      CRYPTORACLE_BASE_URL: simulator.url,
      CRYPTORACLE_API_KEY: key,
      CRYPTORACLE_SIGN_SECRET: signSecret,
      CRYPTORACLE_DATA_SECRET: dataSecret,
      CRYPTORACLE_DATA_IV: dataIv,
      REQUESTS_PER_SECOND: '5000',
    });
  let written = 'of-yesterday';
  const runtime = new Runtime(settingsWith(written), {
    log: silent,
    clock,
    reread: () => settingsWith(written),
  });
  const ingestor = await runtime.ingestor(database);
  const end = Date.parse('2025-06-17T00:00:00Z');
  const request: DataRequest = {
    ...{ granularity: '1h', tokens: [asToken('BTC')], metrics: v1Metrics, tags: [] },
    interval: { start: end - 24 * hour, end },
  };
  await expect(ingestor.ingest(request, 'live')).rejects.toMatchObject({ kind: 'access-denied' });
  written = apiKey;
  clock.advance(2 * minute);
  await ingestor.ingest(request, 'live');
  expect(await value(database, 'select count(*)::int from cryptoracle.metrics_1h')).toBe(24);
  await runtime.close();
});
