import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Stall } from '../queue/watchdog.ts';
import type { StatementObserver } from '../store/connection/connection.ts';
import type { Status } from '../store/reports/status.ts';
import type { QueueCounts } from './sources.ts';

/** What Prometheus is told: base units, and one prefix for all. */
const metricsPrefix = 'cryptoracle_';

/** What is known at the moment; `undefined` where the database or the queue did not answer. */
export interface Facts {
  readonly status: Status | undefined;
  readonly queueCounts: QueueCounts | undefined;
  /** What keeps the queue from working; `undefined` where nothing does. */
  readonly queueProblem?: string | undefined;
  /** Work of this process that waits while nothing of it ends. */
  readonly stalls?: readonly Stall[];
}

/** Metrics of this process: memory, CPU, event loop. One for the life of a server. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: metricsPrefix });
  return registry;
}

/** Bounds in seconds: an index is read in a millisecond, a gap report takes seconds. */
const statementBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60];

/** Counts the statements of this process into its registry, by name. */
export function statementMetrics(registry: Registry): StatementObserver {
  const registers = [registry];
  const seconds = new Histogram({
    name: `${metricsPrefix}statement_seconds`,
    help: 'How long statements to the database took, by name; those that failed, too',
    labelNames: ['name'],
    buckets: statementBuckets,
    registers,
  });
  const failures = new Counter({
    name: `${metricsPrefix}statement_failures_total`,
    help: 'Statements to the database that failed, by name',
    labelNames: ['name'],
    registers,
  });
  return (name, milliseconds, failed) => {
    seconds.observe({ name }, milliseconds / 1000);
    if (failed) failures.inc({ name });
  };
}

/** The metrics page. */
export function renderMetrics(process: Registry, facts: Facts): Promise<string> {
  return Registry.merge([process, factsRegistry(facts)]).metrics();
}

/**
 * A registry of its own for each scrape: what is not known has no sample, and a granularity or outcome that is gone
 * leaves none behind.
 */
function factsRegistry({ status, queueCounts, queueProblem, stalls = [] }: Facts): Registry {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: metricsPrefix + name, help, labelNames, registers });
  const counter = (name: string, help: string) =>
    new Counter({ name: metricsPrefix + name, help, registers });

  gauge('database_up', '1 where the database answers').set(status === undefined ? 0 : 1);
  gauge('queue_up', '1 where the queue answers').set(queueCounts === undefined ? 0 : 1);
  gauge('queue_writable', '1 where the queue takes writes').set(queueProblem === undefined ? 1 : 0);
  gauge('stalled', '1 while work of this process waits and none of it ends, else 0').set(
    stalls.length > 0 ? 1 : 0,
  );
  if (queueCounts !== undefined) {
    const jobs = gauge('queue_jobs', 'Jobs by queue and state', ['queue', 'state']);
    for (const [queue, states] of Object.entries(queueCounts)) {
      for (const [state, count] of Object.entries(states)) jobs.set({ queue, state }, count);
    }
  }
  if (status === undefined) return registry;

  addGranularities(status, gauge);
  const calls = gauge('calls_24h', 'Calls of the API in the last 24 hours by outcome', ['outcome']);
  for (const [outcome, count] of Object.entries(status.calls)) calls.set({ outcome }, count);
  gauge('token_list_doubted', '1 while a list of tokens waits for further opinions, else 0').set(
    status.doubtedList === undefined ? 0 : 1,
  );
  const suspects = gauge('suspect_cells', 'Cells that came as nothing and are asked for again', [
    'granularity',
  ]);
  for (const { granularity, cells } of status.suspects) suspects.set({ granularity }, cells);
  const dropped = gauge('dropped_24h', 'What answers of the last 24 hours held and nobody keeps', ['what']);
  dropped.set({ what: 'windows_beside' }, status.dropped.windowsBeside);
  dropped.set({ what: 'rejects' }, status.dropped.rejects);
  gauge('access_refused', '1 while the API refuses access, else 0').set(
    status.accessRefused === undefined ? 0 : 1,
  );
  if (status.lastCall !== undefined) {
    gauge('last_call_timestamp_seconds', 'When the API was last called').set(status.lastCall.at / 1000);
  }
  gauge('database_size_bytes', 'Size of the database on disk').set(status.databaseBytes);
  gauge('tokens', 'Tokens that are wanted').set(status.tokens);
  gauge('refused_metrics', 'Metrics and tags that the subscription does not hold').set(status.refused.length);
  counter('revisions_total', 'Values that changed or came late').inc(status.revisions);
  gauge('quarantined', 'Things that could not be stored and are not resolved').set(status.quarantined);
  gauge('quality_notes', 'Stored values that are hard to believe').set(status.qualityNotes);
  gauge('suspended_quality_rules', 'Rules of the quality checks that fire on too many rows to be right').set(
    status.suspendedRules.length,
  );
  return registry;
}

type GaugeMaker = (name: string, help: string, labelNames?: string[]) => Gauge;

function addGranularities(status: Status, gauge: GaugeMaker): void {
  const labels = ['granularity'];
  const lag = gauge(
    'freshness_lag_seconds',
    'How far the newest stored window lies behind the newest one that is due; none where nothing is stored',
    labels,
  );
  const newest = gauge('newest_window_timestamp_seconds', 'Start of the newest stored window', labels);
  const wanted = gauge('wanted_cells', 'Cells (token, metric, window) that are due', labels);
  const answered = gauge('answered_cells', 'Cells of the wanted ones that the API has answered', labels);
  const dropped = gauge(
    'dropped_cells',
    'Cells of the wanted ones that somebody has removed here and that were not fetched again',
    labels,
  );
  const counted = gauge(
    'tokens_with_value',
    'Tokens with a value in the newest window that has been due for ten minutes',
    labels,
  );
  const usual = gauge(
    'tokens_usual',
    'How many of them is usual: the median of the same hour on the 14 days before; none with less than 3 days',
    labels,
  );
  for (const part of status.granularities) {
    const { granularity, newestDue, newestStored, tokens } = part;
    if (tokens !== undefined) counted.set({ granularity }, tokens.tokens);
    if (tokens?.usual !== undefined) usual.set({ granularity }, tokens.usual);
    if (newestStored !== undefined) {
      newest.set({ granularity }, newestStored / 1000);
      if (newestDue !== undefined) lag.set({ granularity }, Math.max(0, newestDue - newestStored) / 1000);
    }
    wanted.set({ granularity }, part.wanted);
    answered.set({ granularity }, part.answered);
    dropped.set({ granularity }, part.dropped);
  }
}
