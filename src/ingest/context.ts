import type { Lane } from '../planning/lanes.ts';
import type { DataRequest } from '../planning/request.ts';
import { codesOf } from './splitting.ts';

/** The outcome of one request, its parts included. */
export interface IngestTally {
  /** Calls on the wire, retries included. */
  calls: number;
  /** Values in the answers. */
  values: number;
  rowsWritten: number;
  revisions: number;
  /** Things that could not be stored. */
  rejects: number;
  /** Windows beside the asked range, which are dropped. */
  windowsBeside: number;
}

export interface IngestContext {
  /** Ends the call that is under way. */
  readonly signal?: AbortSignal | undefined;
  /** Number of a backfill order that asks for everything again, answered or not. */
  readonly refreshOf?: number | undefined;
  /** Whether windows that were answered with nothing are asked for before they are due again. */
  readonly asksSuspects?: boolean;
  /** Runs a question, from its turn to its answer, once fewer of them are under way than there may be; at once where absent. */
  readonly inSlot?: <T>(question: () => Promise<T>) => Promise<T>;
  /** Asked before every call on the wire; may refuse it by throwing, which ends the request. */
  readonly beforeCall?: (() => void) | undefined;
  /** Told where a call that was asked for so is not sent after all. */
  readonly withdrawCall?: (() => void) | undefined;
}

/** A request under way, and what its parts share. */
export interface RequestContext extends IngestContext {
  readonly lane: Lane;
  readonly tally: IngestTally;
  /** Whether it asks for cells that nobody need want: where nothing comes of them, nothing is said of them. */
  readonly isProbe?: boolean;
}

export const newTally = (): IngestTally => ({
  ...{ calls: 0, values: 0, rowsWritten: 0, revisions: 0, rejects: 0, windowsBeside: 0 },
});

/** The request as the log keeps it. */
export function describe(request: DataRequest, { lane }: RequestContext) {
  return {
    what: 'values',
    lane,
    granularity: request.granularity,
    interval: request.interval,
    tokens: request.tokens,
    metrics: codesOf(request),
  } as const;
}
