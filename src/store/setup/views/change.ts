import type { Catalogue, Granularity } from '../../../catalog/index.ts';
import { windowLengths } from '../../schema/sql.ts';
import { eachGranularity, sound, type View } from './view.ts';

/** The columns that are compared. The views give them names of their own, which stay. */
interface Measured {
  readonly mentions: string;
  readonly net: string;
}

/** What stands out: against the day before, and against a token's own month. */

/**
 * The place of a change by its size; NULL where it is not known, which `rank` would put first where none is. Places are
 * counted by granularity, though there is but one in each part: a condition on what `rank` is partitioned by reaches the
 * parts, and leaves one of them.
 */
const placeBy = (change: string) => `case when ${change} is not null then rank() over (
    partition by now.granularity order by abs(${change}) desc nulls last
  ) end`;

// The difference of two short decimals is rounded to what it is: 0.0916, and not 0.09159999999999999.
const movers = ({ mentions, net }: Measured): View => ({
  name: 'movers',
  comment:
    "Each token's newest window against the same window 24 hours before, for tokens whose newest window is at most a day older than the newest of all. Order by mention_place or sentiment_place",
  columns: {
    granularity: 'Length of the windows compared: 15m, 1h, 4h or 1d; places count within it',
    time: "Start of the token's newest window",
    window_end: 'End of that window, not included',
    token: 'Ticker of the token, see tokens',
    mention_count: 'Mentions in that window',
    mention_count_before: 'Mentions in the window 24 hours before; NULL where there is none',
    mention_change: 'Mentions more (or, below 0, fewer) than then',
    mention_change_ratio:
      'The same as a share of the mentions then: 0.5 is half as many again. NULL where there were none; large for tokens that are hardly mentioned',
    net_sentiment: 'Positive minus negative ratio in that window, -1 to 1',
    net_sentiment_before: 'The same 24 hours before; NULL where there is none',
    sentiment_change: 'How far net sentiment moved, -2 to 2',
    mention_place:
      'Place when all tokens are ordered by the size of mention_change, in mentions; 1 is the largest change, NULL where it is not known. To find small tokens that grew much, order by mention_change_ratio where mention_count_before is large enough to matter',
    sentiment_place:
      'Place when all tokens are ordered by the size of sentiment_change; 1 is the largest change, NULL where it is not known',
  },
  query: eachGranularity(
    (granularity) => `select now.granularity, now."time", now.window_end, now.token,
  now.${mentions} as mention_count, before.${mentions} as mention_count_before,
  now.${mentions} - before.${mentions} as mention_change,
  (now.${mentions} - before.${mentions}) / nullif(before.${mentions}, 0) as mention_change_ratio,
  now.${net} as net_sentiment, before.${net} as net_sentiment_before,
  round((now.${net} - before.${net})::numeric, 12)::float8 as sentiment_change,
  ${placeBy(`now.${mentions} - before.${mentions}`)} as mention_place,
  ${placeBy(`round((now.${net} - before.${net})::numeric, 12)`)} as sentiment_place
from (
  select granularity, "time", window_end, token,
    ${sound(mentions)} as ${mentions}, ${sound(net)} as ${net}
  from cryptoracle.latest_${granularity}
) as now
left join lateral (
  select ${sound(mentions)} as ${mentions}, ${sound(net)} as ${net} from cryptoracle.metrics_${granularity} as m
  where m.token = now.token and m."time" = now."time" - interval '24 hours'
  limit 1
) as before on true
where now."time" >= (select max("time") from cryptoracle.metrics_${granularity}) - interval '24 hours'`,
  ),
});

/** With fewer windows the deviation is off by a quarter or more, and what is unusual cannot be told. */
const enoughWindows = 10;

const zscoreColumns = {
  granularity: 'Length of the window: 15m, 1h, 4h or 1d',
  time: 'Start of the window',
  window_end: 'End of the window, not included',
  token: 'Ticker of the token, see tokens',
  net_sentiment: 'Positive minus negative ratio in the window, -1 to 1',
  mean_30d:
    'Mean net sentiment of the windows of the 30 Beijing days before the day of this one, each window counting the same; NULL where there are none',
  stddev_30d:
    'Standard deviation (of a sample) of the same windows, 0 where they are all alike; NULL where there are fewer than two',
  windows_30d:
    'How many windows with a value these 30 days have: full are 2880 (15m), 720 (1h), 180 (4h), 30 (1d). Few make a poor yardstick',
  zscore: `Standard deviations above (below 0: below) the mean. 2 or more in size is unusual for this token. NULL where there are fewer than ${enoughWindows} windows to measure by, or they are all alike`,
};

/**
 * Deviation of a sample. Of values that are all alike it is nothing, while their computed mean may be a little off them, and
 * the deviation from it more than nothing.
 */
const deviationOf = (value: string) =>
  `case when min(${value}) < max(${value}) then stddev_samp(${value}) when count(${value}) > 1 then 0 end`;

/**
 * Measures the windows of `source` against their token's 30 days before. The days are whole ones, so that all windows of
 * a day share a yardstick: `unnest` makes the day a column, by which PostgreSQL remembers (Memoize) what it has computed.
 * A frame that moves with each window would be read anew for each.
 */
function measure({ net }: Measured, source: (granularity: Granularity) => string): string {
  return eachGranularity(
    (granularity) => `select '${granularity}'::text as granularity, m."time",
  m."time" + ${windowLengths[granularity]} as window_end, m.token,
  m.${net} as net_sentiment, base.mean as mean_30d, base.deviation as stddev_30d, base.windows as windows_30d,
  case when base.windows >= ${enoughWindows} then (${sound(`m.${net}`)} - base.mean) / nullif(base.deviation, 0) end as zscore
from ${source(granularity)} as m
cross join lateral unnest(array[date_trunc('day', m."time", 'Asia/Shanghai')]) as midnight
cross join lateral (
  select avg(${sound(`past.${net}`)}) as mean, ${deviationOf(sound(`past.${net}`))} as deviation,
    count(${sound(`past.${net}`)}) as windows
  from cryptoracle.metrics_${granularity} as past
  where past.token = m.token
    and past."time" >= midnight - interval '720 hours' and past."time" < midnight
) as base
where m.${net} is not null`,
  );
}

const sentimentZscore = (measured: Measured): View => ({
  name: 'sentiment_zscore',
  comment:
    "Net sentiment of each token's newest window against the token's own 30 Beijing days before, in windows of the same granularity; a token without a net sentiment there has no row. For earlier windows see sentiment_zscore_history",
  columns: zscoreColumns,
  query: measure(measured, (granularity) => `cryptoracle.latest_${granularity}`),
});

const sentimentZscoreHistory = (measured: Measured): View => ({
  name: 'sentiment_zscore_history',
  comment:
    'The same as sentiment_zscore for every window with a net sentiment. Always name granularity, token and a range of time: each day of each token reads 30 days',
  columns: zscoreColumns,
  query: measure(measured, (granularity) => `cryptoracle.metrics_${granularity}`),
});

export function changeViews(catalogue: Catalogue): readonly View[] {
  const measured = {
    mentions: catalogue.role('mentions').column,
    net: catalogue.role('net-sentiment').column,
  };
  return [movers, sentimentZscore, sentimentZscoreHistory].map((view) => view(measured));
}
