import { type FastifyError, type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import { UserError } from '../errors.ts';
import { statusToJson } from '../store/reports/status.ts';
import { requireSafeHost } from './access.ts';
import { auth } from './auth.ts';
import { memo } from './memo.ts';
import { type Facts, processRegistry, renderMetrics, statementMetrics } from './metrics.ts';
import { judgeReadiness, type Unreadiness } from './readiness.ts';
import { type SiteOptions, site } from './site.ts';
import type { Sources } from './sources.ts';

export interface StatusServerOptions extends Sources {
  readonly settings: Pick<Settings, 'httpHost' | 'httpPort' | 'httpToken' | 'httpWriteToken'>;
  /** The page and its API; absent where only machines look. */
  readonly site?: SiteOptions;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds for which what was read is shown again. */
const freshFor = 2000;

/** Milliseconds within which a database or a queue that is well answers. */
const pingTime = 2000;

/** The status counts a whole ledger, so it may take longer; less than the 10 s after which Prometheus gives up. */
const statusTime = 8000;

/** Open without a token, since what watches over containers has none; they tell nothing about the data. */
const openRoute = { config: { isOpen: true } };

/**
 * Nothing on the page comes from elsewhere or is written into it, and nothing elsewhere may frame it. There is no
 * Cross-Origin-Opener-Policy: it makes a browser start a process for the page, which takes longer than all else until the
 * first view; and a site that opens the page learns nothing from its window, for the cookie is not sent with that.
 */
const headers = {
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Health, status, metrics, and the page for people with its API, over HTTP. */
export class StatusServer {
  readonly #options: StatusServerOptions;
  readonly #app: FastifyInstance;
  readonly #processMetrics: Registry;
  readonly #sources: Omit<Sources, 'observeStatements'>;

  constructor(options: StatusServerOptions) {
    const { clock } = options;
    this.#options = options;
    this.#processMetrics = processRegistry();
    options.observeStatements(statementMetrics(this.#processMetrics));
    this.#sources = {
      status: memo(options.status, freshFor, statusTime, clock),
      // A queue that has lost its Redis waits for it without end.
      queueCounts: memo(options.queueCounts, freshFor, pingTime, clock),
      schema: memo(options.schema, 0, pingTime, clock),
      queueProblem: options.queueProblem,
      stalls: options.stalls,
    };
    // Open connections of browsers and scrapers must not hold up the end of the process.
    this.#app = fastify({ logger: false, forceCloseConnections: true });
    this.#protect();
    // Routes are added behind the guard, which looks at each of them.
    this.#app.register(async (app) => this.#addRoutes(app));
    if (options.site !== undefined) {
      const { status, queueCounts } = this.#sources;
      this.#app.register(site, {
        ...options.site,
        status,
        queueCounts: () => this.#attempt('queue', queueCounts),
      });
    }
  }

  /**
   * Settles when the server listens.
   * @returns its address, e.g. `http://127.0.0.1:8080`
   * @throws UserError where it would be open to the network without a token, or the address cannot be had
   */
  async start(): Promise<string> {
    const { httpHost: host, httpPort: port, httpToken } = this.#options.settings;
    requireSafeHost(host, httpToken);
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      throw explainListenError(error, host, port);
    }
    const address = this.#app.server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
    this.#options.log.info({ url }, 'serving the page, its API, health and metrics');
    return url;
  }

  /** Ends at once, answers under way too; may be called twice, and without a start. */
  async stop(): Promise<void> {
    await this.#app.close();
    this.#processMetrics.clear();
  }

  #protect(): void {
    const { settings, clock } = this.#options;
    this.#app.addHook('onRequest', async (_, reply) => {
      reply.headers(headers);
    });
    this.#app.register(auth, { settings, clock });
    this.#app.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'there is no such page' }));
    this.#app.setErrorHandler((error: FastifyError, request, reply) => {
      const status = error.statusCode ?? 500;
      if (status < 500) return reply.code(status).send({ error: error.message });
      this.#options.log.error({ path: request.routeOptions.url, error: error.message }, 'request failed');
      return reply.code(500).send({ error: 'unexpected failure, the log has more' });
    });
  }

  #addRoutes(app: FastifyInstance): void {
    // The process answers: whatever else is wrong, ending it would help nobody.
    app.get('/healthz', openRoute, async () => ({ status: 'ok' }));
    // `/health` is the name that it had before.
    for (const path of ['/readyz', '/health']) {
      app.get(path, openRoute, async (_, reply) => {
        const reasons = await this.#readiness();
        if (reasons.length > 0) unavailable(reply);
        return { status: reasons.length > 0 ? 'unavailable' : 'ok', reasons };
      });
    }
    app.get('/status', async (_, reply) => {
      const status = await this.#status();
      if (status === undefined) return unavailable(reply).send({ error: 'the database does not answer' });
      return statusToJson(status);
    });
    app.get('/metrics', async (_, reply) => {
      // 200 even where the database is down: `database_up` says so, and the process's own metrics still count.
      reply.type(this.#processMetrics.contentType);
      return renderMetrics(this.#processMetrics, await this.#facts());
    });
  }

  async #facts(): Promise<Facts> {
    const [status, queueCounts] = await Promise.all([
      this.#status(),
      this.#attempt('queue', this.#sources.queueCounts),
    ]);
    const { queueProblem, stalls } = this.#sources;
    return { status, queueCounts, queueProblem: queueProblem(), stalls: stalls() };
  }

  async #readiness(): Promise<Unreadiness[]> {
    const schema = await this.#attempt('database', this.#sources.schema);
    // A database that does not answer, or has no tables yet, is not asked for more.
    const {
      status,
      queueCounts,
      queueProblem,
      stalls = [],
    }: Facts = schema === 'current' ? await this.#facts() : { status: undefined, queueCounts: undefined };
    const waiting =
      queueCounts &&
      Object.values(queueCounts).reduce(
        (sum, { waiting: now = 0, prioritized = 0 }) => sum + now + prioritized,
        0,
      );
    const uptime = process.uptime() * 1000;
    const facts = { schema, status, waiting, queueProblem, stalls, uptime };
    return judgeReadiness(facts, this.#options.clock.now());
  }

  #status() {
    return this.#attempt('database', this.#sources.status);
  }

  /** What `read` gives, or `undefined` and a line in the log: whoever asks is told that something is down, not why. */
  async #attempt<T>(what: 'database' | 'queue', read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      this.#options.log.warn({ what, reason: rootMessage(error) }, 'no answer for the status page');
      return undefined;
    }
  }
}

/** What lies at the bottom: the database's own words, without the statement that Drizzle wraps around them. */
function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}

function unavailable(reply: FastifyReply): FastifyReply {
  return reply.code(503);
}

function explainListenError(error: unknown, host: string, port: number): unknown {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return new UserError(`HTTP_PORT: ${port} is in use; choose another, or end what uses it`);
    case 'EACCES':
      return new UserError(`HTTP_PORT: ${port} may not be used by this user; choose one above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(`HTTP_HOST: ${host} is no address of this machine`);
    default:
      return error;
  }
}
