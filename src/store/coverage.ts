import { sql } from 'drizzle-orm';
import type { Granularity, MetricCode, TagCode, Token } from '../catalog/index.ts';
import type { Interval } from '../planning/interval.ts';
import type { Gap } from '../planning/packing.ts';
import type { Database, Executor } from './database.ts';

/** The ledger: which cells the API has answered, as a multirange of window starts for each token and metric. */

/** A range bound as PostgreSQL reads it. */
const at = (instant: number) => new Date(instant).toISOString();

export interface CellSelection {
  readonly granularity: Granularity;
  readonly tokens: readonly Token[];
  readonly metrics: readonly (MetricCode | TagCode)[];
  /** On the grid. */
  readonly interval: Interval;
}

/**
 * What of the selection has not been answered, as blocks of tokens that miss the same metrics in the same interval;
 * newest first.
 */
export async function readGaps<Code extends MetricCode | TagCode = MetricCode>(
  database: Database,
  selection: CellSelection & { readonly metrics: readonly Code[] },
): Promise<(Omit<Gap, 'metrics'> & { readonly metrics: readonly Code[] })[]> {
  const { granularity, tokens, metrics, interval } = selection;
  const rows = await database.query<{ start: number; end: number; tokens: Token[]; metrics: Code[] }>(
    'read gaps',
    sql`
      with missing as (
        select t.token, token_order, m.metric, metric_order,
          unnest(
            tstzmultirange(tstzrange(${at(interval.start)}, ${at(interval.end)}))
              - coalesce(coverage.answered, '{}')
          ) as gap
        from unnest(${sql.param(tokens)}::text[]) with ordinality as t (token, token_order)
        cross join unnest(${sql.param(metrics)}::text[]) with ordinality as m (metric, metric_order)
        left join cryptoracle.coverage
          on coverage.granularity = ${granularity}
            and coverage.token = t.token and coverage.metric = m.metric
      ), by_token as (
        select gap, token, token_order, array_agg(metric order by metric_order) as metrics
        from missing
        group by gap, token, token_order
      )
      select
        (extract(epoch from lower(gap)) * 1000)::float8 as "start",
        (extract(epoch from upper(gap)) * 1000)::float8 as "end",
        array_agg(token order by token_order) as tokens,
        metrics
      from by_token
      group by gap, metrics
      order by upper(gap) desc, lower(gap), min(token_order)`,
  );
  return rows.map((row) => ({
    granularity,
    tokens: row.tokens,
    metrics: row.metrics,
    interval: { start: row.start, end: row.end },
  }));
}

/** Enters the selection as answered. Writes nothing where it was already. */
export async function markAnswered(
  database: Database,
  selection: CellSelection,
  on: Executor,
): Promise<void> {
  const { granularity, tokens, metrics, interval } = selection;
  await database.query(
    'mark answered',
    sql`
      insert into cryptoracle.coverage (granularity, token, metric, answered)
      select ${granularity}, token, metric,
        tstzmultirange(tstzrange(${at(interval.start)}, ${at(interval.end)}))
      from unnest(${sql.param(tokens)}::text[]) as t (token)
      cross join unnest(${sql.param(metrics)}::text[]) as m (metric)
      order by token, metric
      on conflict (granularity, token, metric) do update
        set answered = coverage.answered + excluded.answered
        where not coverage.answered @> excluded.answered`,
    on,
  );
}
