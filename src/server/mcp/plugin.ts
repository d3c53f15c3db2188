import compress from '@fastify/compress';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiOptions } from '../api/routes/route.ts';
import { isCrossSite } from '../auth.ts';
import { addTools } from './tools.ts';

/**
 * The Model Context Protocol at `/mcp`, so that an assistant can be asked about the data: streamable HTTP without
 * sessions, each request answered by itself.
 */

const instructions = `Crypto sentiment of some 200 tokens from the Cryptoracle API, as a pipeline keeps it.
A value belongs to a token, a metric and a window: 15m, 1h, 4h or 1d long, named by its start. Instants are UTC; the vendor's
days are those of Beijing (UTC+8). Ask metrics for what columns mean, and tokens for tickers, before you ask for values.
A value that is missing is no zero: why tells the life of one window, gaps and coverage tell what is missing and for which
reason, status whether all is well. revisions, notes and quarantine tell which values changed, are in doubt, or could not
be stored. values with asOf gives them as they were known at an instant, without what came later.`;

/** What a JSON-RPC client is told that has sent something that is no message. */
const rpcError = (code: number, message: string) => ({ jsonrpc: '2.0', error: { code, message }, id: null });

/** Lazy: it takes a quarter of a second to load, and most servers are never asked by an assistant. */
const loadSdk = () =>
  Promise.all([
    import('@modelcontextprotocol/sdk/server/mcp.js'),
    import('@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'),
  ]);

export const mcp: FastifyPluginAsync<ApiOptions> = async (app, options) => {
  await app.register(compress, { threshold: 2048 });
  app.addHook('onRequest', async (request, reply) => {
    if (isCrossSite(request)) return reply.code(403).send({ error: 'another site may not ask here' });
  });

  app.post('/mcp', async (request, reply) => {
    if (Array.isArray(request.body)) return reply.code(400).send(rpcError(-32600, 'one message at a time'));
    const [{ McpServer }, { WebStandardStreamableHTTPServerTransport }] = await loadSdk();
    const server = new McpServer({ name: 'cryptoracle', version: '1' }, { instructions });
    addTools(server, options);
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    try {
      await server.connect(transport);
      const answer = await transport.handleRequest(asWebRequest(request), { parsedBody: request.body });
      return await send(reply, answer);
    } finally {
      await server.close();
    }
  });

  // There are no sessions, and nothing is told that nobody has asked for.
  for (const method of ['GET', 'DELETE'] as const) {
    app.route({
      method,
      url: '/mcp',
      handler: async (_, reply) =>
        reply.code(405).header('allow', 'POST').send(rpcError(-32000, 'only POST is answered here')),
    });
  }
};

/** The head of a request; its body has been read. */
function asWebRequest({ headers: given, method }: FastifyRequest): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) headers.set(name, String(value));
  }
  return new Request('http://localhost/mcp', { method, headers });
}

async function send(reply: FastifyReply, answer: Response): Promise<FastifyReply> {
  const type = answer.headers.get('content-type');
  if (type !== null) reply.type(type);
  return reply.code(answer.status).send(await answer.text());
}
