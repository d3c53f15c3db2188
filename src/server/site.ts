import compress from '@fastify/compress';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { BackfillContext } from '../backfill/context.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import type { Database } from '../store/connection/database.ts';
import type { Status } from '../store/reports/status.ts';
import { api } from './api/plugin.ts';
import { readNow } from './api/queries/now.ts';
import { Reading } from './api/reading.ts';
import { sessionOf } from './api/routes/data.ts';
import type { Replay } from './api/routes/route.ts';
import type { First, Now } from './api/types.ts';
import { pageAssets } from './assets/plugin.ts';
import { LiveNews, liveRoute } from './live.ts';
import { mcp } from './mcp/plugin.ts';
import { keepKnown, knownSoon, type Memo, memo } from './memo.ts';
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

/** Milliseconds for which the answer on how things are is given again: all that are open ask when values come. */
const nowFreshFor = 1000;

/** Milliseconds after which it counts as failed. */
const nowTime = 20_000;

/** Milliseconds for which it is shown to a visitor who comes, until the page has the next. */
const shownFor = 60_000;

/** Milliseconds between the readings that nobody asks for: so a visitor finds how things were a moment ago. */
const renewedEvery = 50_000;

/**
 * Milliseconds that a visitor waits for it at most where it is not known. On a small machine the database takes several
 * times as long while a browser loads the page, which would ask for it then.
 */
const awaitedFor = 500;

export const site: FastifyPluginAsync<SiteOptions & SiteSources> = async (app, options) => {
  const { databaseUrl, clock, log } = options;
  const reading = new Reading(options.database);
  const news = new LiveNews(databaseUrl, log);
  const now = memo(() => readNow({ ...options, reading }, clock), nowFreshFor, nowTime, clock);
  const endRenewal = keepKnown(now, renewedEvery);
  app.addHook('onClose', async () => {
    endRenewal();
    await Promise.all([reading.close(), news.stop()]);
  });
  const common = { ...options, reading, now };
  await app.register(pageAssets, { first: (request) => firstOf(request, options.settings, now) });
  await app.register(mcp, common);
  if (options.queues !== undefined) await app.register(queueBoard, { queues: options.queues });
  await app.register(
    async (inner) => {
      await inner.register(compress, { threshold: 2048 });
      await inner.register(api, common);
      await inner.register(liveRoute, { news });
    },
    { prefix: '/api/v1' },
  );
};

/** What the page shows before it has asked: the visitor's rights, and how things were a moment ago. */
async function firstOf(request: FastifyRequest, settings: Settings, now: Memo<Now>): Promise<First> {
  return { session: sessionOf(request, settings), status: await knownSoon(now, shownFor, awaitedFor) };
}
