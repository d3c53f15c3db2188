import { type SQL, sql } from 'drizzle-orm';
import { type Catalogue, type Granularity, granularities } from '../../../catalog/index.ts';
import { unservedOf } from '../../ledger/desired-scope.ts';
import { gapsOf, windowStart, withAvailability } from '../../reports/gap-branches.ts';
import { windowLengthSql } from '../../schema/sql.ts';
import { textOf, type View } from './view.ts';

/** `gaps`: what the command of that name tells, of all that the settings want as of now. */

const comment =
  'Every value that is wanted and not there, and why; what is wanted stands in the table wanted. Name a granularity and a token, or leave the reason "empty at the source" out: to find all of these takes every row';

const columns = {
  granularity: '15m, 1h, 4h or 1d',
  token: 'Ticker of the token, see tokens',
  metric: 'API code of the metric, see metric_catalog',
  windows_from: 'Start of the first window without a value',
  windows_to: 'End of the last window without a value, not included',
  windows: 'How many windows these are',
  reason:
    "'not asked yet'; 'failed': asked for in vain; 'suspect': answered with nothing where something was to be expected, asked for again before that is believed; 'not entitled': the subscription does not include the metric; 'not in this API version': the version of the API that the pipeline speaks does not have the metric; 'quarantined': sent, but it could not be stored; 'dropped here': somebody has removed it here, and backfill --refresh fetches it again; 'empty at the source': answered without a value; 'before the token''s history': the same, earlier than the token's first value in this granularity; 'not available': the API has no windows of this granularity for the token",
  detail:
    "For 'failed' the last error and its instant in UTC, for 'suspect' since when and how often nothing came and when it is asked for again, for 'quarantined' why it could not be stored",
};

const wantedColumns = {
  token: 'Ticker of the token, see tokens',
  windows:
    'The windows that are wanted, as a range: whole ones from the start of the history to the newest that has settled',
  metrics: 'API codes of the metrics that are wanted, see metric_catalog',
  unserved: 'Those of them that the version of the API that the pipeline speaks does not have',
  first: "Start of the token's first window with a value; NULL where it has none",
  unavailable: 'True where the API has no windows of this granularity for the token',
};

/** What the settings want of a granularity: whole windows from the start of the history. */
function wanted(granularity: Granularity): SQL {
  const length = windowLengthSql(granularity);
  // The first window that starts at or after the start of the history.
  const from = windowStart(
    granularity,
    sql`greatest(w.history_start, now() - w.keep) + ${length} - interval '1 microsecond'`,
  );
  const to = windowStart(granularity, sql`now() - w.settle_delay`);
  return sql`
    select listed.token, tstzrange(edge.start, greatest(edge.start, ${to})) as windows, w.metrics,
      ${unservedOf(sql`w`)} as unserved
    from cryptoracle.wanted as w
    cross join lateral (select ${from} as start) as edge
    join cryptoracle.tokens as listed
      on case when w.tokens is null then listed.listed else listed.token = any (w.tokens) end
    where w.granularity = ${sql.raw(`'${granularity}'`)}`;
}

const wantedName = (granularity: Granularity) => `wanted_tokens_${granularity}`;

/** PostgreSQL keeps a view taken apart, and reads all of it at its first use: what stands once is read once. */
const wantedTokens = (granularity: Granularity): View => ({
  name: wantedName(granularity),
  comment: `What is wanted of each token in ${granularity}, as the table wanted has it; part of the view gaps`,
  columns: wantedColumns,
  query: textOf(withAvailability(granularity, wanted(granularity))),
});

function query(catalogue: Catalogue): string {
  const parts = granularities.map((granularity) => {
    const length = sql`extract(epoch from ${windowLengthSql(granularity)})`;
    const tokens = sql.raw(`cryptoracle.${wantedName(granularity)}`);
    return sql`
      select ${sql.raw(`'${granularity}'::text`)} as granularity, token, metric,
        lower(gap) as windows_from, upper(gap) as windows_to,
        (extract(epoch from upper(gap) - lower(gap)) / ${length})::integer as windows, reason, detail
      from (${gapsOf({ granularity, catalogue, tokens, now: sql`now()` })}) as gap`;
  });
  return textOf(sql.join(parts, sql` union all `));
}

export const gapViews = (catalogue: Catalogue): readonly View[] => [
  ...granularities.map(wantedTokens),
  { name: 'gaps', comment, columns, query: query(catalogue) },
];
