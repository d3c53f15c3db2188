import type { ApiFailure } from '../api/failure.ts';
import type { MetricCode, TagCode } from '../catalog/index.ts';
import type { DataRequest } from '../planning/request.ts';
import type { FillerCodes } from './splitting.ts';

/** An entry of an ingestor's work list: a request that waits to be asked, and why it is asked. */
export interface Inquiry {
  readonly request: DataRequest;
  readonly step: Step;
}

/** Why a request is asked; decides what follows from its outcome. */
export type Step =
  /** For its own sake. */
  | { readonly kind: 'plain' }
  /** A part of what held a wrong token: should it be wrong, too, then for good. */
  | { readonly kind: 'part' }
  /** The newest window of a range that the API has nothing for: tells what becomes of the `rest`. */
  | { readonly kind: 'newest-window'; readonly rest: DataRequest }
  /** The first half of a request that holds a wrong token. */
  | { readonly kind: 'first-half'; readonly second: DataRequest; readonly failure: ApiFailure }
  /** The second half of it. @property wrongHalf the first half where that was wrong */
  | {
      readonly kind: 'second-half';
      readonly wrongHalf: DataRequest | undefined;
      readonly failure: ApiFailure;
    }
  /** Asked with other fillers than those it was `refusedWith`: let through, they are to blame. */
  | {
      readonly kind: 'other-company';
      readonly fillers: FillerCodes;
      readonly refusedWith: readonly (MetricCode | TagCode)[];
    };

/** The outcome of a question. */
export type Outcome =
  | { readonly kind: 'answered'; readonly values: number; readonly isCutShort: boolean }
  | { readonly kind: 'failed'; readonly failure: ApiFailure };

/** The facts by which an outcome is judged. */
export interface Knowledge {
  /** Codes that the subscription does not include. */
  readonly refused: ReadonlySet<MetricCode | TagCode>;
  /** Codes that were answered. */
  readonly granted: ReadonlySet<MetricCode | TagCode>;
  /** Most records in an answer. */
  readonly recordLimit: number;
  /** What came along in the question. */
  readonly fillers: FillerCodes;
  /** Whether the API answers for some tokens of a request where it has nothing of the others. */
  readonly speaksForAll: boolean;
  /** Whether the API was found to have nothing at the newer end of a stretch that the request lies in. */
  readonly isKnownEmpty: boolean;
}

/**
 * What follows from an outcome. Each cell of what was asked, and of what waited for it, is in exactly one of the lists,
 * unless the answer brought it.
 */
export interface Verdict {
  /** To be asked next, in this order, before all else that waits. */
  readonly ask?: readonly Inquiry[];
  /** The API has nothing for these: they are answered, without a value. */
  readonly empty?: readonly DataRequest[];
  /** The codes to blame for a refusal. */
  readonly blame?: readonly (MetricCode | TagCode)[];
  /** Not asked any further: the subscription does not include their codes. */
  readonly leftOut?: readonly DataRequest[];
  /** Nobody answers these now: they stay gaps. */
  readonly failed?: readonly { readonly request: DataRequest; readonly failure: ApiFailure }[];
}

export const plain = (request: DataRequest): Inquiry => ({ request, step: { kind: 'plain' } });
