import type { Granularity } from '../../catalog/index.ts';
import { type MetricCode, windowLength } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import { nextHeal, nextLookback, nextRecheck } from '../../planning/rhythm.ts';
import { recheckedFor } from '../../planning/windows.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { GapReason } from './gap-reasons.ts';

/** What happens next to cells, and when; pure. */

export interface NextStep {
  /** The metrics that it is about. */
  readonly metrics: readonly MetricCode[];
  readonly what: string;
  /** When that is; `undefined` where nobody can say, or nothing happens. */
  readonly at: Instant | undefined;
}

/** Why cells are not wanted at all. */
export type Unwanted = 'token' | 'granularity' | 'metric' | 'before history' | 'older than kept';

export interface NextFacts {
  readonly granularity: Granularity;
  readonly window: Interval;
  readonly dueAt: Instant;
  readonly now: Instant;
  readonly lookbackWindows: number;
  /** When the next probe is sent; `undefined` where access is granted. */
  readonly probeAt: Instant | undefined;
  readonly cells: readonly {
    readonly metric: MetricCode;
    readonly unwanted: Unwanted | undefined;
    /** Why there is no value; `undefined` where there is one. */
    readonly reason: GapReason | undefined;
    /** When suspects are asked for again, or a refused metric is. */
    readonly askAt?: Instant | undefined;
  }[];
}

/** The steps, each with the metrics that it is about, in the order of these. */
export function nextSteps(facts: NextFacts): readonly NextStep[] {
  const steps = new Map<string, { metrics: MetricCode[]; what: string; at: Instant | undefined }>();
  for (const cell of facts.cells) {
    const { what, at } = stepOf(cell, facts);
    const known = steps.get(`${what} ${at}`);
    if (known === undefined) steps.set(`${what} ${at}`, { metrics: [cell.metric], what, at });
    else known.metrics.push(cell.metric);
  }
  return [...steps.values()];
}

type Step = Pick<NextStep, 'what' | 'at'>;

const settings: Readonly<Record<Unwanted, string>> = {
  token: 'the token is not wanted (TOKENS, or the list of the API)',
  granularity: 'the granularity is not wanted (GRANULARITIES)',
  metric: 'the metric is not wanted (METRICS)',
  'before history': 'the window lies before HISTORY_START',
  'older than kept': 'the window is older than it is kept (KEEP_15M and its kin)',
};

function stepOf(cell: NextFacts['cells'][number], facts: NextFacts): Step {
  const { unwanted, reason } = cell;
  if (unwanted !== undefined) return never(settings[unwanted]);
  if (facts.dueAt > facts.now)
    return { what: 'it is asked for the first time once it is due', at: facts.dueAt };
  return reason === undefined ? afterValue(facts) : afterGap(reason, cell.askAt, facts);
}

const never = (why: string): Step => ({ what: `nothing: ${why}`, at: undefined });

const byPerson = (what: string): Step => ({ what, at: undefined });

function afterValue({ granularity, dueAt, lookbackWindows, now }: NextFacts): Step {
  const lookback = nextLookback(dueAt, windowLength[granularity], lookbackWindows, now);
  if (lookback === undefined) return never('the look-back is over; only the audit may ask once more');
  return { what: 'the look-back asks once more, in case it changed', at: lookback.next };
}

const day: Milliseconds = 86_400_000;

/**
 * The step that a gap of this reason waits for.
 *
 * @param facts with the newest window of the gap
 * @param askAt when suspects are asked for again, or a refused metric is
 */
export function afterGap(
  reason: GapReason,
  askAt: Instant | undefined,
  facts: Pick<NextFacts, 'now' | 'probeAt' | 'window'>,
): Step {
  const { now, probeAt, window } = facts;
  switch (reason) {
    case 'not asked yet':
    case 'failed':
      if (probeAt !== undefined) return { what: 'it waits for access; the next probe is sent', at: probeAt };
      return window.end > now - 7 * day
        ? { what: 'the next plan asks for it, at the latest', at: nextHeal(now) }
        : byPerson('the pipeline asks for it when the history has come so far');
    case 'suspect':
      return { what: 'it is asked for again, and believed a day after the first answer', at: askAt };
    case 'not entitled':
      return { what: 'the metric is tried again, once a day', at: askAt };
    case 'quarantined':
      return byPerson('`quarantine list` shows what came; `quarantine replay` reads it again');
    case 'dropped here':
      return byPerson('`backfill --refresh` fetches it again, or REFETCH_DROPPED=on');
    case 'not in this API version':
      return never('the version of the API that is spoken does not have it');
    case 'empty at the source': {
      const at = nextRecheck(now);
      return window.start >= at - recheckedFor
        ? { what: 'it is asked for again once a day for three days', at }
        : never('it was empty for three days; only the audit may ask once more');
    }
    case "before the token's history":
      return never('the token has no values so early');
    case 'not available':
      return byPerson('the newest windows of the token are looked at once a week');
  }
}
