import { beforeAll, expect, it } from 'vitest';
import { formatBeijing } from '../../src/beijing.ts';
import { day, hour } from '../support/clock.ts';
import { describeOnServers, rows } from '../support/database.ts';
import { expectMistake } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

interface Story {
  readonly window: { readonly from: string; readonly to: string };
  readonly dueAt: string;
  readonly firstSeenAt: string | null;
  readonly backfilled: boolean | null;
  readonly cells: readonly {
    readonly metric: string;
    readonly value: number | null;
    readonly knownSince: string | null;
    readonly reason: string | null;
    readonly unwanted: string | null;
  }[];
  readonly calls: readonly { readonly id: number; readonly outcome: string; readonly lane: string }[];
  readonly revisions: readonly { readonly old: number | null; readonly new: number }[];
  readonly quarantine: readonly { readonly reason: string }[];
  readonly notes: readonly { readonly note: string }[];
  readonly events: readonly { readonly kind: string }[];
  readonly next: readonly {
    readonly what: string;
    readonly at: string | null;
    readonly metrics: readonly string[];
  }[];
}

/** Start of the 4h window so many days ago. */
const windowAgo = (days: number) => Math.floor((Date.now() - days * day) / (4 * hour)) * 4 * hour;
const utc = (instant: number) => new Date(instant).toISOString();

describeOnServers('why', (server) => {
  const world = createCliWorld({ server, settings: { TOKENS: 'BTC,ETH', GRANULARITIES: '4h' } });
  const filled = windowAgo(12);
  const story = async (...args: string[]) => {
    const { code, stdout, stderr } = await world.run(['why', ...args, '--json']);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Story;
  };

  beforeAll(async () => {
    world.simulator.refuseMetric('CO-A-02-05');
    const range = ['--from', utc(filled - day), '--to', utc(filled + day)];
    const { code, stderr } = await world.run(['backfill', ...range]);
    expect(code, stderr).toBe(0);
    // A correction, a doubt, and something that could not be stored, as they may have come since.
    await world.database.pool.query(
      `insert into cryptoracle.revisions (granularity, token, time, metric, old, new, revised_at)
       select '4h', 'BTC', time, 'CO-A-01-05', mention_count - 7, mention_count, now() from cryptoracle.metrics_4h
       where token = 'BTC' and time = $1`,
      [new Date(filled)],
    );
    await world.database.pool.query(
      `insert into cryptoracle.quality_notes (granularity, token, time, metric, note, value, detail, noted_at)
       values ('4h', 'BTC', $1, 'CO-A-01-05', 'fell to zero at once', 0, 'before: 40', now())`,
      [new Date(filled)],
    );
    await world.database.pool.query(
      `insert into cryptoracle.quarantine (granularity, token, time, metric, reason, part, raw, first_seen_at, last_seen_at)
       values ('4h', 'BTC', $1, 'CO-A-01-07', 'no finite number', 'value', '"many"', now(), now())`,
      [new Date(filled + hour)],
    );
  });

  it('tells the life of a value that is there', async () => {
    // Any instant of the window means it.
    const told = await story('BTC', '4h', utc(filled + 2 * hour), 'mention_count');
    expect(told.window).toEqual({ from: utc(filled), to: utc(filled + 4 * hour) });
    expect(told.dueAt).toBe(utc(filled + 4 * hour + hour / 4));
    const [row] = await rows<{ value: number; seen: Date }>(
      world.database,
      'select mention_count as value, first_seen_at as seen from cryptoracle.metrics_4h where token = $1 and time = $2',
      ['BTC', new Date(filled)],
    );
    expect(told.cells).toEqual([
      expect.objectContaining({
        metric: 'CO-A-01-05',
        value: row?.value,
        knownSince: row?.seen.toISOString(),
      }),
    ]);
    expect(told).toMatchObject({ backfilled: true, firstSeenAt: row?.seen.toISOString() });
    const asked = await rows<{ id: string; outcome: string }>(
      world.database,
      `select id, outcome from cryptoracle.requests
       where 'BTC' = any (tokens) and 'CO-A-01-05' = any (metrics) and tstzrange(windows_from, windows_to) @> $1::timestamptz
       order by id`,
      [new Date(filled)],
    );
    expect(told.calls.map(({ id, outcome }) => [String(id), outcome])).toEqual(
      asked.map(({ id, outcome }) => [id, outcome]),
    );
    expect(told.calls.length).toBeGreaterThan(0);
    expect(told.revisions).toMatchObject([{ old: (row?.value ?? 0) - 7, new: row?.value }]);
    expect(told.notes).toMatchObject([{ note: 'fell to zero at once' }]);
    expect(told.quarantine).toEqual([]);
    expect(told.next).toMatchObject([
      { what: expect.stringMatching(/^nothing: the look-back is over/), at: null },
    ]);
  });

  it('tells for each metric why it is missing, as `gaps` does', async () => {
    const told = await story('BTC', '4h', utc(filled));
    const { stdout } = await world.run([
      ...['gaps', '--all', '--json', '--token', 'BTC', '--granularity', '4h'],
      ...['--from', utc(filled), '--to', utc(filled + 1000)],
    ]);
    const gaps = JSON.parse(stdout) as { reason: string; metrics: string[] }[];
    const expected = new Map(
      gaps.flatMap(({ reason, metrics }) => metrics.map((metric) => [metric, reason])),
    );
    for (const { metric, reason, value } of told.cells) {
      expect([metric, reason]).toEqual([metric, value === null ? (expected.get(metric) ?? null) : null]);
    }
    expect(told.cells.find(({ metric }) => metric === 'CO-A-02-05')?.reason).toBe('not entitled');
    expect(told.quarantine).toMatchObject([{ reason: 'no finite number' }]);
    const steps = new Map(told.next.flatMap((step) => step.metrics.map((metric) => [metric, step])));
    expect(steps.get('CO-A-02-05')).toMatchObject({ what: expect.stringContaining('once a day') });
    const [refused] = await rows<{ at: Date }>(
      world.database,
      "select last_refused_at + interval '1 day' as at from cryptoracle.entitlements",
    );
    expect(steps.get('CO-A-02-05')?.at).toBe(refused?.at.toISOString());
    expect(steps.size).toBe(told.cells.length);
  });

  it('tells what stands in the way, and what nobody wants', async () => {
    const missing = await story('ETH', '4h', '-1d', 'mention_count');
    expect(missing.cells).toMatchObject([{ value: null, reason: 'not asked yet', unwanted: null }]);
    expect(missing.next).toMatchObject([{ what: expect.stringContaining('next plan') }]);
    const hourly = await story('ETH', '1h', '-1d', 'mention_count');
    expect(hourly.cells).toMatchObject([{ unwanted: 'granularity' }]);
    const early = await story('ETH', '4h', '2024-11-01', 'mention_count');
    expect(early.next).toMatchObject([{ what: expect.stringContaining('HISTORY_START') }]);
    const coming = await story('ETH', '4h', utc(Date.now() + day), 'mention_count');
    expect(coming.cells).toMatchObject([{ value: null, reason: null }]);
    expect(coming.next).toMatchObject([{ at: coming.dueAt }]);
    await world.database.pool.query(
      `insert into cryptoracle.events (at, until, is_open, kind, message)
       values (now() - interval '20 hours', now() - interval '19 hours', false, 'api outage', 'no answer')`,
    );
    expect((await story('ETH', '4h', '-1d', 'mention_count')).events).toMatchObject([{ kind: 'api outage' }]);
  });

  it('is read at a terminal of 80 columns, in the order of time', async () => {
    for (const options of [[], ['--utc']]) {
      const { code, stdout } = await world.run(['why', 'BTC', '4h', utc(filled), ...options]);
      expect(code).toBe(0);
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
      const zoned = (instant: number) =>
        options.length > 0 ? utc(instant).slice(0, 19).replace('T', ' ') : formatBeijing(instant);
      expect(stdout).toContain(`BTC 4h ${zoned(filled).slice(0, 16)} to`);
      expect(stdout).toContain(`${zoned(filled + 4 * hour)}  closed`);
      const times = stdout.split('\n').flatMap((line) => /^\d{4}-.{15}/.exec(line) ?? []);
      expect(times.length).toBeGreaterThan(5);
      expect(times).toEqual(times.toSorted());
      expect(stdout).toMatch(/revised: mention_count from \d+ to \d+/);
      expect(stdout).toMatch(/^next: /m);
    }
  });

  it('tells of a mistake in one line', async () => {
    expectMistake(await world.run(['why', 'NOSUCH', '4h', '-1d']), ['TOKEN', 'NOSUCH']);
    expectMistake(await world.run(['why', 'BTC', '4h', '-1d', '--jsno']), ['--jsno']);
    expectMistake(await world.run(['why', 'BTC', '2h', '-1d']), ['2h', '15m']);
    expectMistake(await world.run(['why', 'BTC', '4h', 'soon']), ['soon']);
    expectMistake(await world.run(['why', 'BTC', '4h', '-1d', 'mention_cnt']), ['METRIC', 'mention_count']);
  });
});
