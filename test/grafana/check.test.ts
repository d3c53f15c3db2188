import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkGrafana } from '../../grafana/check.ts';
import { files } from '../../grafana/generate/files.ts';

/** A stand-in that answers as Grafana's HTTP API does, and what it was asked. */

const rules = z
  .object({
    groups: z.array(z.object({ rules: z.array(z.looseObject({ uid: z.string(), title: z.string() })) })),
  })
  .parse(JSON.parse(files.get('provisioning/alerting/rules.json') ?? ''))
  .groups.flatMap((group) => group.rules);

const asked = z.object({
  from: z.string(),
  to: z.string(),
  queries: z.array(z.object({ refId: z.string(), rawSql: z.string() })),
});

type Answers = Readonly<
  Record<string, (body: string) => { readonly status?: number; readonly body: unknown }>
>;

const wellAnswers: Answers = {
  '/api/datasources/uid/cryptoracle/health': () => ({
    body: { status: 'OK', message: 'Database Connection OK' },
  }),
  '/api/ds/query': (body) => {
    const results = asked.parse(JSON.parse(body)).queries.map(({ refId }) => [refId, { frames: [{}] }]);
    return { body: { results: Object.fromEntries(results) } };
  },
  '/api/v1/provisioning/alert-rules': () => ({ body: rules }),
  '/api/v1/provisioning/contact-points': () => ({ body: [{ name: 'cryptoracle-chat' }] }),
  '/api/prometheus/grafana/api/v1/rules': () => ({
    body: { data: { groups: [{ rules: rules.map(({ title }) => ({ name: title, health: 'ok' })) }] } },
  }),
};

describe('the check of a running Grafana', () => {
  const servers: ReturnType<typeof createServer>[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** @returns the problems that it finds, and the SQL that it asks */
  async function check(changed: Answers): Promise<{ problems: string[]; sql: string[] }> {
    const sql: string[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      const answers: Answers = { ...wellAnswers, ...changed };
      const isDashboard = request.url?.startsWith('/api/dashboards/uid/cryptoracle-') === true;
      const answer = answers[request.url ?? '']?.(body) ?? (isDashboard ? { body: {} } : undefined);
      if (request.url === '/api/ds/query')
        sql.push(...asked.parse(JSON.parse(body)).queries.map(({ rawSql }) => rawSql));
      const login = Buffer.from('admin:of-the-admin').toString('base64');
      const isAdmin = request.headers.authorization === `Basic ${login}`;
      response
        .writeHead(isAdmin ? (answer?.status ?? (answer ? 200 : 404)) : 401)
        .end(JSON.stringify(answer?.body ?? {}));
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    return { problems: await checkGrafana(`http://127.0.0.1:${port}`, 'of-the-admin', 0), sql };
  }

  it('finds nothing where all is well, after it has asked every panel with its variables put in', async () => {
    const { problems, sql } = await check({});
    expect(problems).toEqual([]);
    const panels = [...files]
      .filter(([path]) => path.startsWith('dashboards/'))
      .flatMap(([, text]) => [...text.matchAll(/"rawSql": /g)]);
    expect(sql.length).toBeGreaterThanOrEqual(panels.length);
    for (const statement of sql) expect(statement).not.toMatch(/\$\{/);
  });

  it('names the panel whose query fails, and an alert that fails or tells nobody', async () => {
    const [first, second] = rules;
    const { problems } = await check({
      '/api/ds/query': (body) => {
        const { queries } = asked.parse(JSON.parse(body));
        const isBad = queries.some(({ rawSql }) => rawSql.includes('breaker'));
        const result = isBad ? { error: 'relation does not exist' } : { frames: [{}] };
        return {
          status: isBad ? 400 : 200,
          body: { results: Object.fromEntries(queries.map(({ refId }) => [refId, result])) },
        };
      },
      '/api/v1/provisioning/alert-rules': () => ({
        body: [{ uid: first?.uid, notification_settings: null }, ...rules.slice(1)],
      }),
      '/api/prometheus/grafana/api/v1/rules': () => ({
        body: {
          data: {
            groups: [
              {
                rules: rules.map(({ title }) =>
                  title === second?.title
                    ? { name: title, health: 'error', lastError: 'no such table' }
                    : { name: title, health: 'ok' },
                ),
              },
            ],
          },
        },
      }),
    });
    expect(problems).toContainEqual(
      expect.stringMatching(/^cryptoracle-health, .*: relation does not exist$/),
    );
    expect(problems).toContain(`alert ${first?.uid}: nobody is told`);
    expect(problems).toContain(`alert ${second?.title}: no such table`);
  });

  it('says that the datasource has no database', async () => {
    const { problems } = await check({
      '/api/datasources/uid/cryptoracle/health': () => ({
        body: { status: 'ERROR', message: 'connection refused' },
      }),
    });
    expect(problems).toEqual(['datasource: connection refused']);
  });
});
