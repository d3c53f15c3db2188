import type { Logger } from 'pino';
import type { ApiClient } from '../api/client.ts';
import type { DayStart } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../store/connection/database.ts';
import type { StatedRecords } from '../store/ledger/record-rules.ts';
import type { RateLimiter } from '../store/limits/rate-limiter.ts';

/** What an ingestor works with. */
export interface IngestorOptions {
  readonly client: ApiClient;
  readonly database: Database;
  readonly rateLimiter: RateLimiter;
  readonly clock: Clock;
  readonly log: Logger;
  /** What settings say of records; what they leave open is as it was found. */
  readonly stated?: StatedRecords;
  /** Milliseconds after its close until a window is due. */
  readonly settleDelay: number;
  readonly lookbackWindows: number;
  /** When a day starts; `auto`: as the answers show it. */
  readonly dayStart?: DayStart | 'auto';
  /** Whether this version of the API may refuse a request without tags. */
  readonly mayRefuseEmptyTags?: boolean;
  /** Milliseconds between two probes while the API refuses access. */
  readonly probeInterval?: number;
}
