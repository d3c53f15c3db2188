import type { Lane } from '../planning/lanes.ts';

/** What became of one request, its parts included. */
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
  /** Asked before every call on the wire; may refuse it by throwing, which ends the request. */
  readonly beforeCall?: (() => void) | undefined;
  /** Told where a call that was asked for so is not sent after all. */
  readonly withdrawCall?: (() => void) | undefined;
}

/** A request under way, and what its parts share. */
export interface RequestContext extends IngestContext {
  readonly lane: Lane;
  readonly tally: IngestTally;
}
