import { Registry } from 'prom-client';
import { afterAll, describe, expect, it } from 'vitest';
import { processRegistry, renderMetrics, statementMetrics } from '../../src/server/metrics.ts';
import { now, sampleCounts, sampleStatus } from './fakes.ts';

const registry = processRegistry();
afterAll(() => registry.clear());

/** The samples of a metrics page by name and labels. */
function samples(page: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('the metrics', () => {
  it('tell the facts in base units', async () => {
    const page = await renderMetrics(registry, { status: sampleStatus, queueCounts: sampleCounts });
    expect(Object.fromEntries(samples(page))).toMatchObject({
      cryptoracle_database_up: 1,
      cryptoracle_queue_up: 1,
      'cryptoracle_queue_jobs{queue="fetch",state="prioritized"}': 1250,
      'cryptoracle_queue_jobs{queue="plan",state="waiting"}': 1,
      'cryptoracle_freshness_lag_seconds{granularity="15m"}': 1800,
      'cryptoracle_newest_window_timestamp_seconds{granularity="15m"}': Date.UTC(2025, 5, 1, 15, 15) / 1000,
      'cryptoracle_wanted_cells{granularity="15m"}': 100_000,
      'cryptoracle_answered_cells{granularity="15m"}': 99_999,
      'cryptoracle_dropped_cells{granularity="15m"}': 7,
      'cryptoracle_wanted_cells{granularity="1d"}': 0,
      'cryptoracle_calls_24h{outcome="ok"}': 1200,
      'cryptoracle_calls_24h{outcome="failed"}': 7,
      cryptoracle_token_list_doubted: 0,
      'cryptoracle_suspect_cells{granularity="15m"}': 26,
      'cryptoracle_dropped_24h{what="windows_beside"}': 4,
      'cryptoracle_dropped_24h{what="rejects"}': 2,
      cryptoracle_last_call_timestamp_seconds: now / 1000 - 12,
      cryptoracle_database_size_bytes: 12_345_678,
      cryptoracle_tokens: 200,
      cryptoracle_refused_metrics: 1,
      cryptoracle_revisions_total: 41,
      cryptoracle_quarantined: 3,
      cryptoracle_quality_notes: 5,
      cryptoracle_suspended_quality_rules: 1,
    });
    expect(page).toContain('# TYPE cryptoracle_revisions_total counter');
    expect(page).toContain('# TYPE cryptoracle_freshness_lag_seconds gauge');
  });

  it('all have the prefix, help and the process’s own beside them', async () => {
    const page = await renderMetrics(registry, { status: sampleStatus, queueCounts: sampleCounts });
    for (const name of samples(page).keys()) expect(name).toMatch(/^cryptoracle_[a-z0-9_]+(\{|$)/);
    expect(page).toContain('cryptoracle_process_cpu_seconds_total');
    const types = page.match(/^# TYPE \S+/gm) ?? [];
    expect(new Set(types).size).toBe(types.length);
  });

  it('have no sample for what is not known, rather than a 0', async () => {
    const down = await renderMetrics(registry, { status: undefined, queueCounts: undefined });
    expect(samples(down).get('cryptoracle_database_up')).toBe(0);
    expect(samples(down).get('cryptoracle_queue_up')).toBe(0);
    // A counter that falls to 0 and comes back would look like a burst.
    expect(down).not.toMatch(/^cryptoracle_revisions_total/m);
    expect(down).not.toMatch(/^cryptoracle_(tokens|database_size_bytes|wanted_cells|calls_24h|queue_jobs)/m);
    const up = samples(await renderMetrics(registry, { status: sampleStatus, queueCounts: {} }));
    expect(up.has('cryptoracle_freshness_lag_seconds{granularity="1d"}')).toBe(false);
  });

  it('tell how long statements took and how many failed, by name', async () => {
    const statements = new Registry();
    const observe = statementMetrics(statements);
    observe('read gaps', 30, false);
    observe('read gaps', 3000, true);
    observe('ping', 1, false);
    const page = samples(await renderMetrics(statements, { status: undefined, queueCounts: undefined }));
    expect(Object.fromEntries(page)).toMatchObject({
      'cryptoracle_statement_seconds_count{name="read gaps"}': 2,
      'cryptoracle_statement_seconds_sum{name="read gaps"}': 3.03,
      'cryptoracle_statement_seconds_bucket{le="0.1",name="read gaps"}': 1,
      'cryptoracle_statement_seconds_count{name="ping"}': 1,
      'cryptoracle_statement_failures_total{name="read gaps"}': 1,
    });
  });

  it('forget labels that are gone', async () => {
    await renderMetrics(registry, { status: sampleStatus, queueCounts: sampleCounts });
    const page = await renderMetrics(registry, {
      status: { ...sampleStatus, calls: { ok: 1 } },
      queueCounts: {},
    });
    expect(page).not.toContain('outcome="failed"');
    expect(page).not.toContain('queue="fetch"');
  });
});
