import compress from '@fastify/compress';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { BackfillContext } from '../backfill/context.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import type { Database } from '../store/connection/database.ts';
import type { Status } from '../store/reports/status.ts';
import { api } from './api/plugin.ts';
import { Reading } from './api/reading.ts';
import type { Replay } from './api/routes/route.ts';
import { pageAssets } from './assets/plugin.ts';
import { LiveNews, liveRoute } from './live.ts';
import { mcp } from './mcp/plugin.ts';
import { type QueuesOptions, queueBoard } from './queues.ts';
import type { QueueCounts } from './sources.ts';

/** The page for people and the API that it speaks with. */
export interface SiteOptions {
  readonly database: Database;
  /** Address of {@link database}. */
  readonly databaseUrl: string;
  readonly settings: Settings;
  readonly backfill: BackfillContext;
  readonly replay: Replay;
  /** By name; absent where there is no queue to look at. */
  readonly queues?: QueuesOptions['queues'];
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SiteSources {
  readonly status: () => Promise<Status>;
  readonly queueCounts: () => Promise<QueueCounts | undefined>;
}

export const site: FastifyPluginAsync<SiteOptions & SiteSources> = async (app, options) => {
  const { databaseUrl, log } = options;
  const reading = new Reading(options.database);
  const news = new LiveNews(databaseUrl, log);
  app.addHook('onClose', async () => {
    await Promise.all([reading.close(), news.stop()]);
  });
  await app.register(pageAssets);
  await app.register(mcp, { ...options, reading });
  if (options.queues !== undefined) await app.register(queueBoard, { queues: options.queues });
  await app.register(
    async (inner) => {
      await inner.register(compress, { threshold: 2048 });
      await inner.register(api, { ...options, reading });
      await inner.register(liveRoute, { news });
    },
    { prefix: '/api/v1' },
  );
};
