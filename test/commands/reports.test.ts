import { describe, expect, it } from 'vitest';
import { formatBeijingDate } from '../../src/beijing.ts';
import { metricCodes } from '../../src/catalog/index.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day } from '../support/clock.ts';
import { rows } from '../support/database.ts';
import { type Environment, expectMistake, runCli } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

interface Gap {
  readonly granularity: string;
  readonly from: string;
  readonly to: string;
  readonly tokens: readonly string[];
  readonly metrics: readonly string[];
  readonly windows: number;
  readonly values: number;
  readonly reason: string;
  readonly detail: string | null;
  readonly nextTry: string | null;
}

interface Status {
  readonly granularities: readonly {
    readonly granularity: string;
    readonly newestDue: string;
    readonly wanted: number;
    readonly answered: number;
    readonly completeness: number;
  }[];
  readonly refused: readonly string[];
  readonly calls: Readonly<Record<string, number>>;
  readonly lastCall: { readonly outcome: string; readonly at: string };
}

/** All metrics of v1 but the refused one, and those that v1 lacks. */
const [left, missing] = [v1Metrics.length - 1, metricCodes.length - v1Metrics.length];

/** The Beijing date so many days ago. */
const daysAgo = (days: number) => formatBeijingDate(Date.now() - days * day);

describe('gaps and status', () => {
  const world = createCliWorld({
    settings: { TOKENS: 'BTC,ETH,XRP', GRANULARITIES: '4h,1d', HISTORY_START: daysAgo(10) },
  });

  async function report(said: Environment = world.settings) {
    const [gaps, status] = await Promise.all([
      runCli(world.folder, ['gaps', '--json'], said),
      runCli(world.folder, ['status', '--json'], said),
    ]);
    expect([gaps.code, status.code]).toEqual([0, 0]);
    return { gaps: JSON.parse(gaps.stdout) as Gap[], status: JSON.parse(status.stdout) as Status };
  }

  function expectAgreement({ gaps, status }: { gaps: readonly Gap[]; status: Status }): void {
    for (const { granularity, wanted, answered, completeness } of status.granularities) {
      const missing = gaps
        .filter((gap) => gap.granularity === granularity && gap.reason !== 'not entitled')
        .reduce((sum, { values }) => sum + values, 0);
      expect(missing, granularity).toBe(wanted - answered);
      expect(completeness).toBe(answered / wanted);
    }
    for (const gap of gaps) expect(gap.values).toBe(gap.windows * gap.tokens.length * gap.metrics.length);
  }

  it('agree on what is missing, and say why', async () => {
    const fresh = await report();
    expectAgreement(fresh);
    expect(fresh.status.granularities.map(({ granularity, answered }) => [granularity, answered])).toEqual([
      ['4h', 0],
      ['1d', 0],
    ]);
    expect(new Set(fresh.gaps.map(({ reason }) => reason))).toEqual(new Set(['not asked yet']));

    world.simulator.refuseMetric('CO-A-02-05');
    const part = ['--from', daysAgo(8), '--to', daysAgo(5)];
    const filled = await world.run(['backfill', ...part, '--json']);
    expect(filled.code).toBe(0);
    world.simulator.configure({ refusedEndpoints: new Set(['endpoint']) });
    const next = ['--from', daysAgo(4), '--to', daysAgo(3)];
    const denied = await world.run(['backfill', ...next, '--json']);
    expect(denied.code).toBe(1);

    const partly = await report();
    expectAgreement(partly);
    // Three tokens and the metrics that are left, in three days of six windows.
    expect(partly.status.granularities).toMatchObject([
      { granularity: '4h', answered: 3 * left * 18 },
      { granularity: '1d', answered: 3 * left * 3 },
    ]);
    expect(partly.status.refused).toEqual(['CO-A-02-05']);
    expect(partly.status.calls).toMatchObject({ 'metric-refused': expect.any(Number) });
    const refused = partly.gaps.filter(({ reason }) => reason === 'not entitled');
    expect(new Set(refused.flatMap(({ metrics }) => metrics))).toEqual(new Set(['CO-A-02-05']));
    const failed = partly.gaps.filter(({ reason }) => reason === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    for (const { detail } of failed)
      expect(detail).toMatch(/^code 204.* \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)$/);
    for (const { reason, detail } of partly.gaps) expect(detail !== null).toBe(reason === 'failed');
    expect(partly.status.lastCall.outcome).toBe('access-denied');
  });

  it('say when a gap is asked for next: a refused metric, and what waits for access', async () => {
    const { gaps } = await report();
    const [expected] = await rows<{ refused: Date; probe: Date }>(
      world.database,
      `select last_refused_at + interval '24 hours' as refused, probe_at as probe
       from cryptoracle.entitlements, cryptoracle.breaker`,
    );
    const triesOf = (named: string) =>
      new Set(gaps.filter(({ reason }) => reason === named).map(({ nextTry }) => nextTry));
    expect(triesOf('not entitled')).toEqual(new Set([expected?.refused.toISOString()]));
    expect(triesOf('failed')).toEqual(new Set([expected?.probe.toISOString()]));
    const { stdout } = await world.run(['gaps', '--utc']);
    const minute = expected?.refused.toISOString().slice(0, 16).replace('T', ' ');
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`tried again once a day; next at ${minute}`);
  });

  it('print tables for people that name every granularity', async () => {
    const [gaps, status] = await Promise.all([world.run(['gaps']), world.run(['status'])]);
    expect([gaps.code, status.code]).toEqual([0, 0]);
    for (const { stdout } of [gaps, status]) {
      expect(stdout).toMatch(/^4h /m);
      expect(stdout).toMatch(/^1d /m);
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
    // Sums by reason come first, and agree with the gaps themselves.
    const { gaps: all } = await report();
    for (const reason of ['not asked yet', 'failed', 'not entitled']) {
      const values = all.filter((gap) => gap.reason === reason).reduce((sum, gap) => sum + gap.values, 0);
      const [, sum = ''] = new RegExp(`^  ${reason} +([\\d,]+) values`, 'm').exec(gaps.stdout) ?? [];
      expect(Number(sum.replaceAll(',', '')), reason).toBe(values);
    }
    expect(gaps.stdout.indexOf('not entitled')).toBeLessThan(gaps.stdout.indexOf('from (Beijing)'));
    expect(gaps.stdout).toContain('BTC, ETH, XRP');
    expect((await world.run(['gaps', '--utc'])).stdout).toContain('from (UTC)');
  });

  it('list what is empty at the source only when asked, and one reason alone', async () => {
    world.simulator.configure({ refusedEndpoints: new Set() });
    const range = ['--from', '2024-12-20', '--to', '2024-12-21', '--granularity', '4h', '--token', 'BTC'];
    // Nothing came for a token that has values at other times: that is believed a day later.
    expect((await world.run(['backfill', ...range])).code).toBe(75);
    const { stdout: doubted } = await world.run(['gaps', ...range, '--json', '--reason', 'suspect']);
    const askAt = await rows<{ at: Date }>(
      world.database,
      'select distinct ask_at as at from cryptoracle.suspects',
    );
    expect((JSON.parse(doubted) as Gap[]).map(({ nextTry }) => nextTry)).toEqual(
      askAt.map(({ at }) => at.toISOString()),
    );
    await world.database.pool.query(
      "update cryptoracle.suspects set since = since - interval '25 hours', asked_at = asked_at - interval '1 hour'",
    );
    expect((await world.run(['backfill', ...range])).code).toBe(0);
    const lists = await Promise.all(
      [[], ['--all'], ['--reason', "before the token's history,failed"], ['--reason', 'not entitled']].map(
        async (options) => {
          const { code, stdout } = await world.run(['gaps', ...range, '--json', ...options]);
          expect(code).toBe(0);
          return (JSON.parse(stdout) as Gap[]).map(({ reason, values, metrics }) => [
            reason,
            values,
            metrics.length,
          ]);
        },
      ),
    );
    const before = ["before the token's history", 6 * left, left];
    const refused = ['not entitled', 6, 1];
    // The standardised metrics came with v2.
    const later = ['not in this API version', 6 * missing, missing];
    expect(lists).toEqual([[refused], [before, refused, later].sort(), [before], [refused]]);
    const plain = await world.run(['gaps', ...range, '--reason', 'failed']);
    expect(plain).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^no gaps from .* to .* \(Beijing\)\n$/),
    });

    const wrong = await world.run(['gaps', '--reason', 'lost']);
    expectMistake(wrong, ['--reason', "'lost'", 'not asked yet']);
    expectMistake(await world.run(['gaps', '--all', '--reason', 'failed']), ['--all', '--reason']);
  });

  it('are printed whole, however long they are and whoever reads them', async () => {
    await world.database.pool.query(
      `insert into cryptoracle.coverage
       select '1h', 'BTC', 'CO-A-01-05', range_agg(tstzrange(time, time + interval '1 hour'))
       from generate_series(timestamptz '2025-01-31 16:00+00', '2025-03-31 16:00+00', interval '2 hours') as time`,
    );
    const range = ['--from', '2025-02-01', '--to', '2025-04-01', '--granularity', '1h', '--token', 'BTC'];
    const options = ['--metric', 'mention_count', '--json'];
    const { code, stdout } = await world.run(['gaps', ...range, ...options]);
    expect(code).toBe(0);
    expect(stdout.length).toBeGreaterThan(150_000);
    expect(JSON.parse(stdout)).toHaveLength((59 * 24) / 2);
  });

  it('of the view gaps are measured against the settings of the first command that had some', async () => {
    const wanted = await rows(
      world.database,
      'select granularity, tokens from cryptoracle.wanted order by 1',
    );
    expect(wanted).toEqual(
      ['1d', '4h'].map((granularity) => ({ granularity, tokens: ['BTC', 'ETH', 'XRP'] })),
    );
    const { gaps } = await report();
    const [view] = await rows<{ values: number }>(
      world.database,
      "select sum(windows)::int as values from cryptoracle.gaps where reason in ('not asked yet', 'failed', 'not entitled', 'quarantined')",
    );
    expect(gaps.reduce((sum, { values }) => sum + values, 0)).toBe(view?.values);
  });

  it('are measured against the same where the settings here say nothing', async () => {
    const { TOKENS: _, GRANULARITIES: __, HISTORY_START: ___, ...rest } = world.settings;
    const here = await report();
    const elsewhere = await report(rest);
    expect(elsewhere.gaps).toEqual(here.gaps);
    expect(elsewhere.status.granularities).toEqual(here.status.granularities);
    // What is said here counts.
    const { gaps } = await report({ ...rest, TOKENS: 'ETH' });
    expect(new Set(gaps.flatMap(({ tokens }) => tokens))).toEqual(new Set(['ETH']));
  });

  it('say that no window of a range is due yet', async () => {
    const range = ['--from', '2100-01-01', '--to', '2100-02-01'];
    const gaps = await world.run(['gaps', ...range]);
    expect(gaps).toMatchObject({ code: 0, stdout: 'no gaps: no window of this range is due yet\n' });
    for (const dry of [[], ['--dry-run']]) {
      const backfill = await world.run(['backfill', ...range, ...dry]);
      expect(backfill.code).toBe(0);
      expect(backfill.stdout).toContain('nothing to do: no window of this range is due yet');
    }
  });
});
