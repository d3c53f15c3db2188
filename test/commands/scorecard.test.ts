import { beforeAll, describe, expect, it } from 'vitest';
import { formatBeijing } from '../../src/beijing.ts';
import { findMetric } from '../../src/catalog/index.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day } from '../support/clock.ts';
import { value } from '../support/database.ts';
import { expectMistake } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

describe('scorecard', () => {
  const world = createCliWorld({ settings: { TOKENS: 'BTC,ETH', GRANULARITIES: '4h,1d' } });
  const month = formatBeijing(Date.now() - 31 * day).slice(0, 7);
  beforeAll(async () => {
    const { code, stderr } = await world.run(['backfill', '--from', '-60d', '--to', '-1d']);
    expect(code, stderr).toBe(0);
  });

  const columns = v1Metrics.map((code) => findMetric(code)?.column).join();

  it('is about a Beijing month', async () => {
    const { code, stdout, stderr } = await world.run(['scorecard', '--month', month, '--json']);
    expect(code, stderr).toBe(0);
    const card = JSON.parse(stdout);
    expect(card.month).toBe(month);
    for (const { granularity, values, delay, emptyRate } of card.granularities) {
      const expected = await value<number>(
        world.database,
        `select sum(num_nonnulls(${columns}))::float8
         from cryptoracle.metrics_${granularity} where to_char(time at time zone 'Asia/Shanghai', 'YYYY-MM') = $1`,
        [month],
      );
      expect(values).toBe(expected);
      // All of it was loaded as history.
      expect(delay).toBeNull();
      expect(emptyRate).toBeGreaterThanOrEqual(0);
    }
  });

  it('is Markdown for people, with a table for delays and one for values', async () => {
    const { code, stdout } = await world.run(['scorecard']);
    expect(code).toBe(0);
    const last = formatBeijing(Date.now()).slice(0, 7);
    expect(stdout).toMatch(/^# Cryptoracle API, \d{4}-\d\d$/m);
    expect(stdout).not.toContain(`# Cryptoracle API, ${last}`);
    for (const heading of ['Delay', 'Values', 'Calls', 'Outages'])
      expect(stdout).toContain(`## ${heading}\n`);
    expect(stdout).toMatch(/^\| 4h \| /m);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it('tells of a month that there is not', async () => {
    expectMistake(await world.run(['scorecard', '--month', '2026-13']), ['--month', '2026-13']);
  });
});
