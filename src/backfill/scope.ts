import { windowLength } from '../catalog/index.ts';
import { intersection, isEmpty } from '../planning/interval.ts';
import { liveWindows } from '../planning/lanes.ts';
import { type GapReader, stretchFor, type WantedWindows, wantedWindows } from '../planning/plan.ts';
import type { Database } from '../store/connection/database.ts';
import { readGaps } from '../store/ledger/coverage.ts';
import { readDayStart } from '../store/ledger/facts.ts';
import type { BackfillScope } from '../store/ledger/orders.ts';
import { probeReader } from '../store/ledger/probes.ts';
import { followRecords } from '../store/ledger/record-rules.ts';
import { readScope, type Scope } from '../store/ledger/scope.ts';
import type { LeftAlone } from '../store/ledger/suspects.ts';
import type { BackfillContext } from './context.ts';

/** The cells that a fill is about, and those of them that the ledger lacks. */

export interface FillScope
  extends Pick<Scope, 'tokens' | 'metrics' | 'tokensOf' | 'tokensToReprobe'>,
    Partial<Pick<Scope, 'lacking'>> {
  readonly wanted: WantedWindows;
  /** Number of the order that asks for everything again; then its own ledger tells what is missing. */
  readonly refreshOf?: number | undefined;
  /** The same scope as it is known now: days may turn out to start at another hour. */
  readonly reread?: () => Promise<FillScope>;
}

/**
 * The cells to fill in the range of an order: those that it names, less those that the API is known not to give.
 * @param id number of the order; a refresh has a ledger of its own under it
 */
export async function readFillScope(
  placed: BackfillScope,
  id: number | undefined,
  context: BackfillContext,
): Promise<Scope & FillScope> {
  const { range, granularities, tokens, metrics, refresh, evenUnavailable } = placed;
  const { database, clock, settings, packer } = context;
  const now = clock.now();
  await followRecords(packer, database, settings);
  const { settleDelay, keep } = settings;
  const wanted = wantedWindows(range, granularities, now, settleDelay, await readDayStart(database), keep);
  const scope = await readScope(database, { tokens, metrics, tags: [], evenUnavailable }, now);
  const reread = () => readFillScope(placed, id, context);
  return { ...scope, wanted, refreshOf: refresh ? id : undefined, reread };
}

/**
 * Reads gaps from the ledger of the scope; of tokens that are probed again, those of the newest windows.
 * @param suspects which windows that were answered with nothing are no gaps
 */
export function gapReader(database: Database, scope: FillScope, suspects: LeftAlone = {}): GapReader {
  const choice = { refreshOf: scope.refreshOf, ...suspects };
  const probes = probeReader(database, scope, scope.wanted, choice);
  return async (granularity, interval) => {
    const { metrics, wanted } = scope;
    const tokens = scope.tokensOf(granularity);
    const gaps = [
      ...(await readGaps(database, { granularity, tokens, metrics, interval }, choice)),
      ...(await probes(granularity, interval)),
    ];
    const end = wanted.get(granularity)?.end ?? interval.end;
    const toReprobe = scope.tokensToReprobe(granularity, end);
    const newest = { start: end - liveWindows * windowLength[granularity], end };
    const reprobed = intersection(interval, newest);
    if (toReprobe.length === 0 || isEmpty(reprobed)) return gaps;
    const newestOnly = { granularity, tokens: toReprobe, metrics, interval: reprobed };
    return [...gaps, ...(await readGaps(database, newestOnly, choice))];
  };
}

/** The stretches in which the plan of a scope goes through its range. */
export const stretchOf = ({ tokens, metrics, wanted }: FillScope) =>
  stretchFor(tokens.length * metrics.length, wanted.keys());
