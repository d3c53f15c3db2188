import { sql } from 'drizzle-orm';
import { type Granularity, type MetricCode, type Token, windowLength } from '../../catalog/index.ts';
import { type Interval, intersection, isEmpty } from '../../planning/interval.ts';
import type { Gap } from '../../planning/packing.ts';
import type { GapReader, WantedWindows } from '../../planning/plan.ts';
import type { Instant } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { inMilliseconds, textArray, tstzrangeOf } from '../schema/sql.ts';
import { enoughWindows, unprobedParts } from './availability.ts';
import { type LedgerChoice, readGaps } from './coverage.ts';

/**
 * Probes: a few windows of each thirty days, asked of tokens that seem to lack a granularity. That the newest windows are
 * empty says nothing about the months before: a token may have been dropped, and have a history all the same.
 */

interface Probe {
  readonly tokens: readonly Token[];
  readonly interval: Interval;
}

interface Lacking {
  readonly metrics: readonly MetricCode[];
  /** Tokens that seem to lack the granularity. */
  lacking?(granularity: Granularity): readonly Token[];
}

/** The oldest windows of each part of the range in which too few were answered to tell. */
async function readProbes(
  database: Database,
  granularity: Granularity,
  tokens: readonly Token[],
  metrics: readonly MetricCode[],
  wanted: Interval,
): Promise<Probe[]> {
  const parts = unprobedParts(granularity, sql`t.token`, textArray(metrics), tstzrangeOf(wanted));
  const rows = await database.query<{ tokens: Token[]; start: Instant; end: Instant }>(
    'read probes',
    sql`
      select array_agg(t.token order by t.place) as tokens,
        ${inMilliseconds(sql`lower(unprobed.part)`)} as "start", ${inMilliseconds(sql`upper(unprobed.part)`)} as "end"
      from unnest(${textArray(tokens)}) with ordinality as t (token, place)
      cross join lateral (${parts}) as unprobed
      group by unprobed.part
      order by unprobed.part desc`,
  );
  const length = windowLength[granularity];
  const onGrid = (instant: Instant) => wanted.start + Math.ceil((instant - wanted.start) / length) * length;
  return rows.map((row) => {
    const start = onGrid(row.start);
    return {
      tokens: row.tokens,
      interval: { start, end: Math.min(start + enoughWindows * length, onGrid(row.end)) },
    };
  });
}

/** Reads what the probes of an interval lack in the ledger, as blocks. The probes are worked out once. */
export function probeReader(
  database: Database,
  { metrics, lacking }: Lacking,
  wanted: WantedWindows,
  choice: LedgerChoice = {},
): GapReader {
  const known = new Map<Granularity, Promise<Probe[]>>();
  const probesOf = (granularity: Granularity) => {
    const tokens = lacking?.(granularity) ?? [];
    const range = wanted.get(granularity);
    if (tokens.length === 0 || range === undefined || isEmpty(range)) return Promise.resolve([]);
    const probes = known.get(granularity) ?? readProbes(database, granularity, tokens, metrics, range);
    known.set(granularity, probes);
    return probes;
  };
  return async (granularity, interval) => {
    const gaps: Gap[] = [];
    for (const probe of await probesOf(granularity)) {
      const part = intersection(probe.interval, interval);
      if (isEmpty(part)) continue;
      const cells = { granularity, tokens: probe.tokens, metrics, interval: part };
      gaps.push(...(await readGaps(database, cells, choice)));
    }
    return gaps;
  };
}
