import type { MetricParams } from './identity.ts';
import type { ApiVersion } from './versions.ts';

/** A metric's description, in the words that the bundled list, a user's file and everything that reads them share. */

export const metricKinds = ['rank', 'change', 'count', 'ratio', 'difference', 'score'] as const;

export type MetricKind = (typeof metricKinds)[number];

/** A metric's part where others are compared with it. Views and quality rules ask for a role, never for a code. */
export type MetricRole =
  | 'mentions'
  | 'mention-rank'
  | 'mention-share'
  | 'positive'
  | 'negative'
  | 'net-sentiment';

/** A metric as it is listed. */
export interface MetricEntry {
  /** The API's code, as sent in `endpoints`. */
  readonly code: string;
  /** The column of the metric tables that holds it. */
  readonly column: string;
  /** Its name for people; made from the column where it is not given. */
  readonly name?: string;
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
  /** The meaning of its sum and its mean over windows; one sentence or two, for people. */
  readonly acrossWindows: string;
  /** Versions of the API that have it. */
  readonly versions: readonly ApiVersion[];
  /** The parameters that are sent with the code in `extraParams`; with other parameters it is another series. */
  readonly params?: MetricParams;
  readonly role?: MetricRole;
}
