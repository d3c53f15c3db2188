import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import type { Packer } from '../planning/packing.ts';
import type { Database } from '../store/connection/database.ts';

/** The means that backfills are planned and worked on with. */
export interface BackfillContext {
  readonly database: Database;
  readonly clock: Clock;
  readonly packer: Packer;
  readonly settings: Settings;
  readonly log: Logger;
}
