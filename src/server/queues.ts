import { Queue } from 'bullmq';
import type { FastifyPluginAsync } from 'fastify';
import type { JobQueue } from '../queue/backend.ts';

/** The queues themselves, for whoever wants to look at single jobs: bull-board, which only reads here. */

export interface QueuesOptions {
  /** By name, as the page shows them. */
  readonly queues: Readonly<Record<string, JobQueue>>;
}

/** The path of the board, which its own files stand below. */
const path = '/queues';

/** The board is a page of its own: it writes styles into itself, and has its fonts and pictures. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const queueBoard: FastifyPluginAsync<QueuesOptions> = async (app, { queues }) => {
  // Lazy: no other command, and no worker, needs it.
  const [{ createBullBoard }, { BullMQAdapter }, { FastifyAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/fastify'),
  ]);
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(path);
  createBullBoard({
    // Jobs can be planned again; whoever changed them by hand would only confuse the plan.
    queues: Object.values(queues)
      .filter((queue) => queue instanceof Queue)
      .map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Cryptoracle queues' } },
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('content-security-policy', policy);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return reply.code(403).send({ error: 'the queues can only be looked at here' });
    }
  });
  await app.register(serverAdapter.registerPlugin(), { prefix: path });
};
