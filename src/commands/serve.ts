import type { QueueBackend } from '../queue/backend.ts';
import { queueNames } from '../queue/jobs.ts';
import type { Stall } from '../queue/watchdog.ts';
import { StatusServer } from '../server/server.ts';
import { openSources } from '../server/sources.ts';
import type { Database } from '../store/connection/database.ts';
import type { Runtime } from './runtime.ts';

/** Serves the page, its API, health and metrics until the runtime closes. @returns their address */
export async function serve(
  runtime: Runtime,
  database: Database,
  backend: QueueBackend,
  stalls: () => readonly Stall[],
): Promise<string> {
  const { settings, clock, log } = runtime;
  const queues = Object.fromEntries(queueNames.map((name) => [name, backend.queue(name)]));
  for (const [name, queue] of Object.entries(queues)) runtime.onClose(`${name} counts`, () => queue.close());
  const server = new StatusServer({
    ...openSources(database, queues, settings, clock, { queueProblem: backend.problem, stalls }),
    settings,
    clock,
    log,
    site: { ...runtime.site(database), queues },
  });
  runtime.onClose('server', () => server.stop());
  return server.start();
}
