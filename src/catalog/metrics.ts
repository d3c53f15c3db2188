/**
 * The metrics the API sells. Everything that knows metrics (table columns, validation, database comments,
 * documentation, the simulator) derives from this list; a new metric is one entry and one generated migration.
 */

export type MetricKind = 'rank' | 'change' | 'count' | 'ratio' | 'difference' | 'score';

interface MetricEntry {
  /** The API's code, as sent in `endpoints`. */
  readonly code: string;
  /** The column of the metric tables that holds it. */
  readonly column: string;
  readonly kind: MetricKind;
  readonly unit: string;
  /** Bounds that a sensible value keeps; `null` where there is none. */
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly meaning: string;
  /** Whether the sum over the windows of a longer one is, by definition, the value of the longer one. */
  readonly summable: boolean;
  /** Whether the plain mean over windows says something sensible about them. */
  readonly averageable: boolean;
  /** What the sum and the mean over windows are, and are not; one sentence or two, for people. */
  readonly acrossWindows: string;
}

export const metrics = [
  {
    code: 'CO-A-01-01',
    column: 'mention_rank',
    kind: 'rank',
    unit: 'position',
    minimum: 1,
    maximum: null,
    meaning:
      'Position of the token when all tokens are ordered by mentions in the window; 1 is the most mentioned',
    summable: false,
    averageable: true,
    acrossWindows:
      "The mean is the token's usual position; it is not the position in the longer window, which is found by ordering the sums of mention_count",
  },
  {
    code: 'CO-A-01-02',
    column: 'mention_rank_change',
    kind: 'change',
    unit: 'positions',
    minimum: null,
    maximum: null,
    meaning: 'How far the position moved since the previous window of the same granularity',
    summable: true,
    averageable: true,
    acrossWindows:
      'Over windows without a gap, the sum is how far the position moved in all and the mean the usual move; the API page does not say which way counts as positive',
  },
  {
    code: 'CO-A-01-03',
    column: 'message_count',
    kind: 'count',
    unit: 'messages',
    minimum: 0,
    maximum: null,
    meaning: "Valid messages posted in the token's own communities",
    summable: true,
    averageable: true,
    acrossWindows: 'Each message falls into one window: sum them; the mean is messages in a usual window',
  },
  {
    code: 'CO-A-01-04',
    column: 'interaction_count',
    kind: 'count',
    unit: 'interactions',
    minimum: 0,
    maximum: null,
    meaning: "Likes, shares, replies and quotes in the token's communities",
    summable: true,
    averageable: true,
    acrossWindows:
      'Each interaction falls into one window: sum them; the mean is interactions in a usual window',
  },
  {
    code: 'CO-A-01-05',
    column: 'mention_count',
    kind: 'count',
    unit: 'mentions',
    minimum: 0,
    maximum: null,
    meaning: "Mentions of the token's name, ticker, nicknames and keywords on all platforms",
    summable: true,
    averageable: true,
    acrossWindows: 'Each mention falls into one window: sum them; the mean is mentions in a usual window',
  },
  {
    code: 'CO-A-01-07',
    column: 'unique_user_count',
    kind: 'count',
    unit: 'users',
    minimum: 0,
    maximum: null,
    meaning: 'Distinct users who mentioned the token',
    summable: false,
    averageable: true,
    acrossWindows:
      'One user may be in many windows: a sum counts users more than once, and the users of a day are only in the 1d value. The mean is users in a usual window',
  },
  {
    code: 'CO-A-01-08',
    column: 'community_count',
    kind: 'count',
    unit: 'communities',
    minimum: 0,
    maximum: null,
    meaning: 'Communities (groups or channels) in which the token was mentioned at least once',
    summable: false,
    averageable: true,
    acrossWindows:
      'One community may be in many windows: a sum counts communities more than once, and the communities of a day are only in the 1d value. The mean is communities in a usual window',
  },
  {
    code: 'CO-A-01-09',
    column: 'mention_share',
    kind: 'ratio',
    unit: '1',
    minimum: 0,
    maximum: 1,
    meaning: "The token's mentions divided by the mentions of all tokens",
    summable: false,
    averageable: false,
    acrossWindows:
      "The share in a longer window is the sum of the token's mention_count over the sum of all tokens' mention_count; a plain mean gives quiet and busy windows the same weight",
  },
  {
    code: 'CO-A-02-01',
    column: 'positive_ratio',
    kind: 'ratio',
    unit: '1',
    minimum: 0,
    maximum: 1,
    meaning: 'Influence-weighted share of positive sentiment expressions',
    summable: false,
    averageable: false,
    acrossWindows:
      'Weigh by mention_count for an estimate; the exact share of a longer window is only in its own value, since the weights of influence are not published',
  },
  {
    code: 'CO-A-02-02',
    column: 'negative_ratio',
    kind: 'ratio',
    unit: '1',
    minimum: 0,
    maximum: 1,
    meaning: 'Influence-weighted share of negative sentiment expressions',
    summable: false,
    averageable: false,
    acrossWindows:
      'Weigh by mention_count for an estimate; the exact share of a longer window is only in its own value, since the weights of influence are not published',
  },
  {
    code: 'CO-A-02-03',
    column: 'net_sentiment',
    kind: 'difference',
    unit: '1',
    minimum: -1,
    maximum: 1,
    meaning: 'Positive ratio minus negative ratio: which way sentiment leans and how strongly',
    summable: false,
    averageable: false,
    acrossWindows:
      'Weigh by mention_count for an estimate; the exact balance of a longer window is only in its own value, since the weights of influence are not published',
  },
  {
    code: 'CO-A-02-04',
    column: 'extreme_sentiment_ratio',
    kind: 'ratio',
    unit: '1',
    minimum: 0,
    maximum: 1,
    meaning: 'Influence-weighted share of expressions at the extremes (score above +0.8 or below -0.8)',
    summable: false,
    averageable: false,
    acrossWindows:
      'Weigh by mention_count for an estimate; the exact share of a longer window is only in its own value, since the weights of influence are not published',
  },
  {
    code: 'CO-A-02-05',
    column: 'sentiment_consensus',
    kind: 'score',
    unit: '1',
    minimum: null,
    maximum: null,
    meaning: "How far different users' sentiment about the token agrees within the window",
    summable: false,
    averageable: true,
    acrossWindows:
      'The mean is the usual agreement within a window; agreement across a longer window is only in its own value',
  },
] as const satisfies readonly MetricEntry[];

export type Metric = (typeof metrics)[number];
export type MetricCode = Metric['code'];
export type MetricColumn = Metric['column'];

export const metricCodes: readonly MetricCode[] = metrics.map((metric) => metric.code);

const positions = new Map<string, number>(metrics.map((metric, position) => [metric.code, position]));

export function isMetricCode(text: string): text is MetricCode {
  return positions.has(text);
}

/** Where the metric stands in the catalogue; rows of values are arrays in this order. */
export function metricPosition(code: MetricCode): number {
  const position = positions.get(code);
  if (position === undefined) throw new RangeError(`not in the catalogue: ${code}`);
  return position;
}

/** Accepts a code (`CO-A-01-05`) or a column name (`mention_count`), in any case. */
export function findMetric(text: string): Metric | undefined {
  const wanted = text.toLowerCase();
  return metrics.find((metric) => metric.code.toLowerCase() === wanted || metric.column === wanted);
}
