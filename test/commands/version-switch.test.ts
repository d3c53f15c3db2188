import { expect, it } from 'vitest';
import { bundledCatalogue } from '../../src/catalog/index.ts';
import { startTestSimulator } from '../support/api.ts';
import { describeOnServers, rows, value } from '../support/database.ts';
import { settingsFor } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

const range = (from: string, to: string) => [
  '--from',
  from,
  '--to',
  to,
  '--granularity',
  '4h',
  '--token',
  'BTC,ETH',
];
const whole = range('2025-06-01', '2025-06-05');

describeOnServers('a database that was filled under v1', (kind) => {
  const world = createCliWorld({ server: kind, settings: { CRYPTORACLE_API_VERSION: 'v1' } });
  const filled = (window: string) =>
    rows<{ metric: string; values: number }>(
      world.database,
      `select metric, count(value)::int as values from cryptoracle.metrics_long
       where granularity = '4h' and "time" >= '${window}' group by metric having count(value) > 0`,
    );

  it('goes on under v2.1: nothing that is there is asked for again, and what v2.1 has beside it is', async () => {
    expect(await world.run(['backfill', ...range('2025-06-01', '2025-06-03')])).toMatchObject({ code: 0 });
    const before = await rows(world.database, 'select * from cryptoracle.metrics_4h order by token, "time"');
    expect(before.length).toBeGreaterThanOrEqual(22);

    const simulator = await startTestSimulator({ apiVersion: 'v2.1' });
    const { CRYPTORACLE_SIGN_SECRET, CRYPTORACLE_DATA_SECRET, CRYPTORACLE_DATA_IV, ...plain } = settingsFor(
      simulator,
      world.database.url,
    );
    const other = {
      ...plain,
      CRYPTORACLE_SIGN_SECRET: '',
      CRYPTORACLE_DATA_SECRET: '',
      CRYPTORACLE_DATA_IV: '',
      CRYPTORACLE_API_VERSION: 'v2.1',
    };
    const result = await world.run(['backfill', ...whole, '--json'], other);
    expect(result).toMatchObject({ code: 0 });

    // What v1 has answered is not asked for again: its codes are asked for from the third of June on.
    const v1 = new Set(bundledCatalogue.served(bundledCatalogue.codes, 'v1'));
    const asked = simulator.log.flatMap(({ call, business }) =>
      call === 'endpoint' && business ? [business] : [],
    );
    for (const business of asked) {
      const codes = business.endpoints as readonly string[];
      if (codes.some((code) => v1.has(code as never)))
        expect(String(business.startTime) >= '2025-06-03').toBe(true);
    }
    const after = await rows(
      world.database,
      `select * from cryptoracle.metrics_4h where "time" < '2025-06-02 16:00Z' order by token, "time"`,
    );
    const columns = bundledCatalogue.metrics.filter(({ code }) => v1.has(code)).map(({ column }) => column);
    const of = (list: typeof before) => list.map((row) => columns.map((column) => row[column]));
    expect(of(after)).toEqual(of(before));

    // The new codes have values over the whole range, the old ones that v2.1 lacks end where v1 ended.
    const metrics = (await filled('2025-06-03T16:00:00Z')).map(({ metric }) => metric);
    const served = bundledCatalogue.metrics.filter(({ versions }) => versions.includes('v2.1'));
    expect(metrics.sort()).toEqual(served.map(({ column }) => column).sort());
    expect(await value(world.database, 'select count(*)::int from cryptoracle.quarantine')).toBe(0);

    const gaps = await world.run(['gaps', ...whole, '--all', '--json'], other);
    const found: { reason: string; metrics: string[]; from: string }[] = JSON.parse(gaps.stdout);
    expect(new Set(found.map(({ reason }) => reason))).toEqual(new Set(['not in this API version']));
    const status = await world.run(['status', '--json'], other);
    expect(status.code).toBe(0);
    await simulator.close();
  });
});
