import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { BackfillContext } from '../../../backfill/context.ts';
import type { Clock } from '../../../clock.ts';
import type { QuarantineFilter } from '../../../store/answers/quarantine.ts';
import type { Database } from '../../../store/connection/database.ts';
import type { Memo } from '../../memo.ts';
import type { NowSources } from '../queries/now.ts';
import { type now, problem, type replayed } from '../schemas/index.ts';

/** What the routes of the API are built with. */
export interface ApiOptions extends NowSources {
  /** What the pipeline writes with: for what changes something. */
  readonly database: Database;
  /** How things are, read a second ago at most. */
  readonly now: Memo<z.output<typeof now>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** What orders are priced and placed with. */
  readonly backfill: BackfillContext;
  /** Reads quarantined things again and stores what can be. */
  readonly replay: Replay;
}

export type Replay = (filter: QuarantineFilter) => Promise<z.output<typeof replayed>>;

export type ApiPlugin = FastifyPluginAsync<ApiOptions>;

export const typed = (app: FastifyInstance) => app.withTypeProvider<ZodTypeProvider>();

/** The schema of a route: what it says, what it gives, and what it says of mistakes. */
export function answers<Response extends z.ZodType>(summary: string, response: Response) {
  return { summary, response: { 200: response, 400: problem, 503: problem } };
}
