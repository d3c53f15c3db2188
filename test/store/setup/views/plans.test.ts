import { beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { load } from '../../../../bench/load.ts';
import { questions } from '../../../../bench/questions.ts';
import { bundledTokens } from '../../../../src/catalog/index.ts';
import type { Database } from '../../../../src/store/connection/database.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../../../support/database.ts';

const tokens = bundledTokens.slice(0, 40).map(({ token }) => token);
const days = 190;

/** Rows of a compressed chunk come in batches of up to so many, of one token. */
const batch = 1000;

/**
 * The most rows of the metric tables that each question may read, and how many batches of compressed ones: what it asks
 * for, and not a multiple of it.
 */
const allowed: Readonly<Record<string, readonly [rows: number, batches: number]>> = {
  'newest row of all tokens, 1h': [tokens.length + 1, 0],
  'newest row of all tokens, 15m': [tokens.length + 1, 0],
  'newest row of all tokens, all granularities': [4 * (tokens.length + 1), 0],
  '90 days hourly of one token, all metrics': [90 * 24, 4],
  '90 days hourly of one token, one metric as rows': [90 * 24, 4],
  // The window is found by the newest row, and counted.
  'cross-section of all tokens, newest hour': [2 * tokens.length + 10, 0],
  'cross-section of all tokens, half a year ago': [tokens.length, tokens.length],
  // Two rows of each, and the newest of all to tell whose is recent.
  'movers of the newest hour': [2 * tokens.length + 10, 0],
  'as it was known a day ago, 90 days hourly of one token': [90 * 24, 4],
  'z-score against 30 days, one token, newest hour': [tokens.length + 2 + 30 * 24, 1],
  // A yardstick for each day.
  'z-score against 30 days, one token, 30 days hourly': [30 * 24 + 31 * 30 * 24, 31],
  "a day's coverage": [0, 0],
  // Of each granularity the newest row, the counted window, and those of 14 days before it; chunks give some rows twice.
  freshness: [4 * 25 * tokens.length, 0],
};

interface Plan {
  readonly 'Relation Name'?: string | undefined;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number | undefined;
  readonly Plans?: readonly Plan[] | undefined;
}

const planSchema: z.ZodType<Plan> = z.object({
  'Relation Name': z.string().optional(),
  'Actual Rows': z.number(),
  'Actual Loops': z.number(),
  'Rows Removed by Filter': z.number().optional(),
  Plans: z.array(z.lazy(() => planSchema)).optional(),
});
const explained = z.array(z.object({ 'QUERY PLAN': z.array(z.object({ Plan: planSchema })) }));

/** Rows that a plan has taken from metric tables or their chunks. */
function rowsRead(plan: Plan): number {
  const isValues = /^(metrics_\d|_hyper_)/.test(plan['Relation Name'] ?? '');
  const own = isValues
    ? (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops']
    : 0;
  return (plan.Plans ?? []).reduce((sum, part) => sum + rowsRead(part), own);
}

describeOnServers("the plans of analysts' questions", (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    await load(database, { days, tokens });
  }, 120_000);

  it('are asked of many rows, on TimescaleDB in compressed chunks', async () => {
    const stored = await value<number>(database, 'select count(*)::int from cryptoracle.metrics_15m');
    expect(stored).toBe(days * 96 * tokens.length);
    if (kind === 'plain PostgreSQL') return;
    const compressed = await rows(
      database,
      `select hypertable_name as name, count(*)::int as chunks, count(*) filter (where is_compressed)::int as compressed
       from timescaledb_information.chunks where hypertable_name in ('metrics_15m', 'metrics_1h') group by 1 order by 1`,
    );
    for (const { chunks, compressed: done } of compressed) {
      expect(chunks).toBeGreaterThan(2);
      expect(done).toBeGreaterThan(0);
    }
  });

  it('every question has a limit, and every limit a question', () => {
    expect(Object.keys(allowed).toSorted()).toEqual(questions.map(({ name }) => name).toSorted());
  });

  it.each(questions)('$name: reads no more than it needs', async ({ name, sql }) => {
    const found = explained.parse(await rows(database, `explain (analyze, format json, timing off) ${sql}`));
    const plan = found[0]?.['QUERY PLAN'][0]?.Plan;
    if (plan === undefined) throw new Error('no plan');
    expect(plan['Actual Rows'] * plan['Actual Loops']).toBeGreaterThan(0);
    const [most = 0, batches = 0] = allowed[name] ?? [];
    expect(rowsRead(plan)).toBeLessThanOrEqual(most + (kind === 'TimescaleDB' ? batches * batch : 0));
  });
});
