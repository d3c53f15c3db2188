import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyPluginAsync } from 'fastify';
import pg from 'pg';
import type { Logger } from 'pino';
import { type Granularity, isGranularity } from '../catalog/granularities.ts';
import { innermost } from '../errors.ts';
import { storedChannel } from '../store/answers/announce.ts';
import { clientConfig } from '../store/connection/address.ts';

/**
 * What open pages are told while they are open, as server-sent events: `stored` with the granularities of which values
 * have come, and `tick` every few seconds, for what changes without values: time, refusals, orders.
 */

/** Milliseconds for which news are gathered before pages are told. */
const gatherFor = 500;

/** Milliseconds between two ticks. */
const tickEvery = 5000;

/** Milliseconds between two attempts to listen again. */
const reconnectAfter = 3000;

/** Most pages that are told at a time. */
const mostPages = 200;

/** Listens to the database on one connection for all pages, and again after the connection is lost. */
export class LiveNews {
  readonly #url: string;
  readonly #log: Logger;
  readonly #news = new EventEmitter();
  readonly #stopping = new AbortController();
  readonly #stored = new Set<Granularity>();
  #listening: Promise<void> | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #ticking: NodeJS.Timeout | undefined;

  constructor(url: string, log: Logger) {
    this.#url = url;
    this.#log = log;
    this.#news.setMaxListeners(mostPages);
  }

  /** Whether as many pages as may be are told. */
  get isFull(): boolean {
    return this.#news.listenerCount('news') >= mostPages;
  }

  /** Has somebody told. @returns what ends that */
  subscribe(tell: (message: string) => void): () => void {
    this.#listening ??= this.#listen();
    this.#ticking ??= setInterval(
      () => this.#news.emit('news', 'event: tick\ndata: {}\n\n'),
      tickEvery,
    ).unref();
    this.#news.on('news', tell);
    return () => this.#news.off('news', tell);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#ticking);
    clearTimeout(this.#gathering);
    await this.#listening;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const client = new pg.Client({ ...clientConfig(this.#url), application_name: 'cryptoracle live' });
      client.on('error', () => {});
      client.on('notification', ({ payload = '' }) => this.#gather(payload));
      try {
        await client.connect();
        // It may be idle for hours, whatever the login's own limit is.
        await client.query('set idle_session_timeout = 0');
        await client.query(`listen ${storedChannel}`);
        await once(client, 'end', { signal });
      } catch (error) {
        if (!signal.aborted) this.#log.debug({ reason: innermost(error) }, 'not listening to the database');
      } finally {
        await client.end().catch(() => {});
      }
      await sleep(reconnectAfter, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  #gather(payload: string): void {
    if (!isGranularity(payload)) return;
    this.#stored.add(payload);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      const data = JSON.stringify({ granularities: [...this.#stored] });
      this.#stored.clear();
      this.#news.emit('news', `event: stored\ndata: ${data}\n\n`);
    }, gatherFor).unref();
  }
}

/** `/live` under the API. */
export const liveRoute: FastifyPluginAsync<{ readonly news: LiveNews }> = async (app, { news }) => {
  app.get('/live', { schema: { hide: true } }, async (request, reply) => {
    if (news.isFull) return reply.code(503).send({ error: 'too many pages are open' });
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    raw.write('retry: 2000\n\n');
    const unsubscribe = news.subscribe((message) => {
      // A reader that has fallen far behind comes back by itself, and starts from the present.
      if (raw.writableLength > 65_536) raw.destroy();
      else raw.write(message);
    });
    request.raw.once('close', unsubscribe);
    return reply;
  });
};
