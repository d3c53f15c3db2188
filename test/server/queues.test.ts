import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Runtime } from '../../src/commands/runtime.ts';
import type { QueueBackend } from '../../src/queue/backend.ts';
import { fetchQueue, queueNames } from '../../src/queue/jobs.ts';
import { StatusServer } from '../../src/server/server.ts';
import { openSources } from '../../src/server/sources.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { createTestDatabase, silent } from '../support/database.ts';
import { describeOnBackends, openTestQueue, testSettings } from '../support/pipeline.ts';

describeOnBackends('the board of the queues', (kind) => {
  const token = randomBytes(8).toString('hex');
  const headers = { authorization: `Bearer ${token}` };
  let database: Database;
  let backend: QueueBackend;
  let server: StatusServer;
  let url: string;

  beforeAll(async () => {
    database = await createTestDatabase('plain PostgreSQL');
    backend = await openTestQueue(kind, database);
    const queues = Object.fromEntries(queueNames.map((name) => [name, backend.queue(name)]));
    const settings = testSettings({ DATABASE_URL: database.url, HTTP_PORT: '0', HTTP_TOKEN: token });
    server = new StatusServer({
      ...openSources(database, queues, settings, systemClock, {
        queueProblem: () => undefined,
        stalls: () => [],
      }),
      ...{ settings, clock: systemClock, log: silent },
      site: { ...new Runtime(settings, { log: silent }).site(database), queues },
    });
    url = await server.start();
    await queues[fetchQueue]?.add('request', { granularity: '1h' }, { delay: 3_600_000 });
  });
  afterAll(async () => {
    await server.stop();
    await backend.close();
  });

  it('is a page with its own files, for whoever may read', async () => {
    expect((await fetch(`${url}/queues`)).status).toBe(401);
    const browser = await fetch(`${url}/queues`, { headers: { accept: 'text/html' }, redirect: 'manual' });
    expect([browser.status, browser.headers.get('location')]).toEqual([303, '/sign-in']);
    const page = await fetch(`${url}/queues`, { headers });
    expect(page.status).toBe(200);
    const html = await page.text();
    const script = /src="(static\/js\/main\.[^"]+)"/.exec(html)?.[1];
    expect((await fetch(`${url}/queues/${script}`, { headers })).status).toBe(200);
    expect((await fetch(`${url}/queues/${script}`)).status).toBe(401);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  });

  it('shows the queues with their jobs', async () => {
    const answer = await fetch(`${url}/queues/api/queues`, { headers });
    const { queues } = (await answer.json()) as {
      queues: { name: string; counts: Record<string, number> }[];
    };
    expect(queues.map(({ name }) => name).sort()).toEqual([...queueNames].sort());
    expect(queues.find(({ name }) => name === fetchQueue)?.counts.delayed).toBe(1);
  });

  it('changes nothing', async () => {
    const paths = [
      `${fetchQueue}/pause`,
      `${fetchQueue}/clean/delayed`,
      `${fetchQueue}/obliterate`,
      `${fetchQueue}/add`,
    ];
    for (const path of paths) {
      for (const method of ['PUT', 'POST', 'PATCH', 'DELETE']) {
        const { status } = await fetch(`${url}/queues/api/queues/${path}`, { method, headers });
        expect([403, 404]).toContain(status);
      }
    }
    expect(await backend.queue(fetchQueue).getJobCounts('delayed')).toMatchObject({ delayed: 1 });
  });
});
