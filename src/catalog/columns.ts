import { granularities } from './granularities.ts';

/** The names that the column of a user's own metric may have. */

/** Columns that rows of values have beside the metrics, in the tables or in the views on them. */
const taken: ReadonlySet<string> = new Set([
  ...['time', 'token', 'first_seen_at', 'updated_at', 'backfilled', 'seen_later', 'is_final'],
  ...['granularity', 'window_end', 'code', 'metric', 'value', 'length', 'better_mentions'],
  ...granularities,
]);

/** Words that SQL keeps for itself (PostgreSQL's appendix of key words): as a column's name they would need quotes. */
const reserved: ReadonlySet<string> = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
  column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
  from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
  localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
  returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
  unique user using variadic verbose when where window with`.split(/\s+/),
);

/** Why the name is none for a metric's column; `undefined` where it is one. */
export function columnProblem(column: string): string | undefined {
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(column)) {
    return 'must be small letters, digits and _, a letter first, at most 40 in all';
  }
  if (taken.has(column) || reserved.has(column)) return 'is taken; choose another name';
  // Statements call what they derive from a metric's column so.
  if (/^previous_|_(revised|before)$/.test(column)) {
    return 'may not begin with previous_, nor end in _revised or _before';
  }
  return undefined;
}
