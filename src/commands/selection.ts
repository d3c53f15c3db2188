import type { Command } from 'commander';
import type { DayStart, Granularity, MetricCode, Token } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import type { Interval } from '../planning/interval.ts';
import { type WantedWindows, wantedWindows } from '../planning/plan.ts';
import type { Database } from '../store/connection/database.ts';
import { type DesiredScope, readDesiredScope } from '../store/ledger/desired-scope.ts';
import { noticeDropped } from '../store/ledger/dropped.ts';
import { readDayStart } from '../store/ledger/facts.ts';
import { requireKnownTokens } from '../store/ledger/scope.ts';
import { readListedTokens } from '../store/ledger/tokens.ts';
import {
  chosenMetrics,
  type NamedMetrics,
  parseGranularities,
  parseInstant,
  parseMetrics,
  parseTokens,
} from './options.ts';
import type { Runtime } from './runtime.ts';

/** The cells that a command is about: the options that choose them, and what they come to with the settings. */

export interface ScopeOptions {
  readonly granularity?: readonly Granularity[];
  readonly token?: readonly Token[] | 'all';
  readonly metric?: NamedMetrics;
}

export interface SelectionOptions extends ScopeOptions {
  readonly from?: number;
  readonly to?: number;
}

/** Help for the options, by their names. */
type Help<Options> = Readonly<Record<keyof Options, string>>;

/** Help of commands for which the settings decide what is not given. */
const bySettings: Help<ScopeOptions> = {
  granularity: 'which of 15m,1h,4h,1d (default: GRANULARITIES)',
  token: 'which tokens (default: TOKENS)',
  metric: 'which metrics, by code or name (default: METRICS)',
};

/** Adds the options that choose a range, granularities, tokens and metrics. */
export function withSelectionOptions(
  command: Command,
  help: Pick<Help<SelectionOptions>, 'from' | 'to'> & Partial<Help<ScopeOptions>>,
): Command {
  const { from, to, granularity, token, metric } = { ...bySettings, ...help };
  return command
    .option('--from <date>', from, parseInstant)
    .option('--to <date>', to, parseInstant)
    .option('--granularity <list>', granularity, parseGranularities)
    .option('--token <list>', token, parseTokens)
    .option('--metric <list>', metric, parseMetrics);
}

/** @throws UserError where the range ends before it begins */
export function requireOrdered({ from, to }: Pick<SelectionOptions, 'from' | 'to'>): void {
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UserError('--from must lie before --to');
  }
}

export interface Selection {
  readonly database: Database;
  readonly desired: DesiredScope;
  readonly range: Interval;
  readonly granularities: readonly Granularity[];
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly dayStart: DayStart;
  /** The windows of the range that are due and wanted, by granularity. */
  readonly wanted: WantedWindows;
}

/**
 * Opens the database and works out the cells that the options name, and the settings where they say nothing. What others
 * removed meanwhile is noticed first.
 *
 * @throws UserError where the range, a token or a metric is wrong, or where there is no database
 */
export async function openSelection(options: SelectionOptions, runtime: Runtime): Promise<Selection> {
  const { settings, clock } = runtime;
  requireOrdered(options);
  const named = options.metric && chosenMetrics(options.metric, settings.catalogue);
  const database = await runtime.openExistingDatabase(4);
  const now = clock.now();
  await noticeDropped(database, now, { refetch: settings.refetchDropped });
  const desired = await readDesiredScope(database, settings);
  const chosen = options.token ?? desired.tokens;
  await requireKnownTokens(database, chosen, options.token === undefined ? 'TOKENS' : '--token');
  const range = { start: options.from ?? desired.historyStart, end: options.to ?? now };
  const granularities = options.granularity ?? desired.granularities;
  const dayStart = await readDayStart(database);
  return {
    ...{ database, desired, range, granularities, dayStart },
    tokens: chosen === 'all' ? await readListedTokens(database) : chosen,
    metrics: named ?? desired.metrics,
    wanted: wantedWindows(range, granularities, now, desired.settleDelay, dayStart, desired.keep),
  };
}
