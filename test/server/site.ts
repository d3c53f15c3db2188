import { z } from 'zod';
import { systemClock } from '../../src/clock.ts';
import { Runtime } from '../../src/commands/runtime.ts';
import { Reading } from '../../src/server/api/reading.ts';
import { StatusServer } from '../../src/server/server.ts';
import { openSources, type QueueCounts } from '../../src/server/sources.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { silent } from '../support/database.ts';
import { testSettings } from '../support/pipeline.ts';

/** A server with its page and API on a database of the test's. */
export interface TestSite {
  readonly url: string;
  readonly database: Database;
  readonly reading: Reading;
  /** A question to the API. */
  fetch(path: string, query?: object): Promise<Response>;
  /** The answer of one that is answered; its shape is for the test to judge. */
  get(path: string, query?: object): Promise<ReturnType<typeof anything.parse>>;
  post(path: string, body: object, token?: string): Promise<Response>;
  stop(): Promise<void>;
}

const anything = z.any();

/** Reads the body of an answer. */
export const bodyOf = async (answer: Response) => anything.parse(await answer.json());

export async function startSite(
  database: Database,
  environment: Record<string, string> = {},
  queues: QueueCounts = {},
): Promise<TestSite> {
  const settings = testSettings({ DATABASE_URL: database.url, HTTP_PORT: '0', ...environment });
  const clock = systemClock;
  const server = new StatusServer({
    ...openSources(database, {}, settings, clock, { queueProblem: () => undefined, stalls: () => [] }),
    queueCounts: async () => queues,
    ...{ settings, clock, log: silent },
    site: new Runtime(settings, { clock, log: silent }).site(database),
  });
  const url = await server.start();
  const reading = new Reading(database, 300);
  const ask = (path: string, query: object = {}) =>
    fetch(
      `${url}/api/v1${path}?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))}`,
    );
  return {
    ...{ url, database, reading, fetch: ask },
    get: async (path, query) => {
      const answer = await ask(path, query);
      const body = await answer.json();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(body)}`);
      return anything.parse(body);
    },
    post: (path, body, token) =>
      fetch(`${url}/api/v1${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      }),
    stop: async () => {
      await server.stop();
      await reading.close();
    },
  };
}
