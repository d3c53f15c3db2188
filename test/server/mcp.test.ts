import { request as ask } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Database } from '../../src/store/connection/database.ts';
import { read } from '../docs/pages.ts';
import { hour } from '../support/clock.ts';
import { createFilledDatabase } from '../support/filled.ts';
import { bodyOf, startSite, type TestSite } from './site.ts';

/** What an assistant may ask, with the client of the protocol's own SDK. */

const token = 'may-read-here';
const authorization = `Bearer ${token}`;

const hello = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

const said = z.object({ content: z.array(z.object({ text: z.string() })).min(1) });

describe('an assistant', () => {
  let database: Database;
  let site: TestSite;
  const clients: Client[] = [];

  async function connect(headers: Record<string, string> = { authorization }): Promise<Client> {
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`${site.url}/mcp`), {
      requestInit: { headers },
    });
    // Its optional session id is not declared as the interface of transports has it.
    await client.connect(transport as Parameters<Client['connect']>[0]);
    clients.push(client);
    return client;
  }

  const viaApi = async (name: string, query: Record<string, unknown>) => {
    const address = `${site.url}/api/v1/${name}?${new URLSearchParams(Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]))}`;
    return bodyOf(await fetch(address, { headers: { authorization } }));
  };

  beforeAll(async () => {
    database = await createFilledDatabase('plain PostgreSQL');
    site = await startSite(database, { HTTP_TOKEN: token });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await site.stop();
  });

  it('is offered every question that the API answers, as reading and nothing else', async () => {
    const client = await connect();
    expect(client.getInstructions()).toMatch(/A value that is missing is no zero/);
    const { tools } = await client.listTools();
    const { paths } = await viaApi('openapi.json', {});
    const names = tools.map(({ name }) => name);
    for (const name of ['values', 'coverage', 'gaps', 'why', 'status', 'events', 'metrics', 'tokens']) {
      expect(names).toContain(name);
    }
    const page = read('docs/assistants.md');
    for (const { name, description, annotations, inputSchema } of tools) {
      expect(page).toContain(`\`${name}\``);
      const { get } = paths[`/api/v1/${name}`];
      expect([name, description, annotations?.readOnlyHint]).toEqual([name, get.summary, true]);
      const asked = (get.parameters ?? []).map((parameter: { name: string }) => parameter.name);
      expect(Object.keys(inputSchema.properties ?? {}).toSorted()).toEqual(asked.toSorted());
    }
  });

  it('is answered as the API answers', async () => {
    const client = await connect();
    // From now on the client holds each answer against the schema that its tool has promised.
    await client.listTools();
    const to = new Date(Math.floor(Date.now() / hour) * hour).toISOString();
    const from = new Date(Date.parse(to) - 30 * hour).toISOString();
    const range = { granularity: '1h', from, to };
    const questions: readonly (readonly [string, Record<string, unknown>])[] = [
      ['metrics', {}],
      ['tokens', { search: 'bit', limit: 3 }],
      ['values', { ...range, token: 'BTC,ETH', metric: 'mention_count', limit: 7 }],
      ['coverage', { ...range, token: 'BTC,ETH' }],
      ['gaps', { granularity: '15m', limit: 5 }],
      ['events', { open: false, limit: 5 }],
      ['revisions', { token: 'BTC' }],
      ['movers', { granularity: '1h', limit: 2 }],
    ];
    for (const [name, query] of questions) {
      const answer = await client.callTool({ name, arguments: query });
      expect([name, answer.isError ?? false]).toEqual([name, false]);
      expect(answer.structuredContent).toEqual(await viaApi(name, query));
      expect(JSON.parse(said.parse(answer).content[0]?.text ?? '')).toEqual(answer.structuredContent);
    }
    const status = await client.callTool({ name: 'status', arguments: {} });
    expect(status.structuredContent).toMatchObject({ verdict: { sentence: expect.stringMatching(/\.$/) } });
    const why = { granularity: '1h', token: 'BTC', window: from, metric: 'mention_count' };
    const story = await client.callTool({ name: 'why', arguments: why });
    expect(story.structuredContent).toMatchObject({ window: { from }, cells: [{ column: 'mention_count' }] });
  });

  it('is told of a mistake in words, so that it can ask better', async () => {
    const client = await connect();
    const range = { granularity: '1h', from: '2025-06-01T00:00:00Z', to: '2025-06-02T00:00:00Z' };
    const askFor = async (query: Record<string, unknown>) => {
      const answer = await client.callTool({ name: 'values', arguments: { ...range, ...query } });
      return [answer.isError, said.parse(answer).content[0]?.text];
    };
    expect(await askFor({ token: 'BTC', metric: 'mood' })).toEqual([true, "there is no metric 'mood'"]);
    expect(await askFor({ token: 'BTC', metric: 'mention_count', limit: 1e6 })).toEqual([
      true,
      expect.stringMatching(/limit/),
    ]);
    expect(await askFor({ token: 'BTC' })).toEqual([true, expect.stringMatching(/metric/)]);
  });

  it('reads with the rights of readers, and is told no secrets of what fails', async () => {
    const client = await connect();
    await database.pool.query('revoke select on cryptoracle.tokens from cryptoracle_reader');
    const answer = await client.callTool({ name: 'tokens', arguments: {} });
    await database.pool.query('grant select on cryptoracle.tokens to cryptoracle_reader');
    expect([answer.isError, said.parse(answer).content[0]?.text]).toEqual([
      true,
      'the login of DATABASE_URL may not read this; grant cryptoracle_reader to it',
    ]);
  });

  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${site.url}/mcp`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization,
        ...headers,
      },
    });

  it('comes in with the token alone, from no other site, and not more often than the page', async () => {
    await expect(connect({})).rejects.toThrow();
    const refused = await post(hello, { authorization: 'Bearer a-guess' });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^Bearer/),
    ]);
    const answered = await post(hello);
    expect([answered.status, answered.headers.get('x-ratelimit-limit')]).toEqual([200, '1800']);
    expect((await post(hello, { origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await post([hello, hello])).status).toBe(400);
    expect((await post({ hello: 'there' })).status).toBe(400);
    expect((await fetch(`${site.url}/mcp`, { headers: { authorization } })).status).toBe(405);
  });

  it('does not come in by a name that was made to lead here', async () => {
    const open = await startSite(database);
    const { port } = new URL(open.url);
    const statusAs = (host: string) =>
      new Promise<number | undefined>((done, fail) => {
        const headers = {
          ...{ host, 'content-type': 'application/json' },
          accept: 'application/json, text/event-stream',
        };
        const sent = ask({ host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers }, (answer) => {
          answer.resume();
          done(answer.statusCode);
        });
        sent.on('error', fail);
        sent.end(JSON.stringify(hello));
      });
    expect(await statusAs('rebound.example')).toBe(421);
    expect(await statusAs(`localhost:${port}`)).toBe(200);
    await open.stop();
  });
});
