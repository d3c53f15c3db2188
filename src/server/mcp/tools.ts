import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { problemOf } from '../api/problem.ts';
import { questionsOf } from '../api/questions/index.ts';
import type { Question } from '../api/questions/question.ts';
import type { ApiOptions } from '../api/routes/route.ts';

/** The questions of the API as tools of an assistant. */

/** An assistant reads every row: it is given fewer at a time than a chart. */
const limits: Readonly<Record<string, { readonly otherwise: number; readonly most: number }>> = {
  values: { otherwise: 200, most: 2000 },
};

function queryOf({ name, query }: Question): z.ZodObject {
  const limit = limits[name];
  if (limit === undefined) return query;
  const { otherwise, most } = limit;
  return query.extend({ limit: z.coerce.number().int().min(1).max(most).default(otherwise) });
}

/** Adds a tool for every question; it gives the answer as data, and as text for clients that take nothing else. */
export function addTools(server: McpServer, options: ApiOptions): void {
  for (const question of questionsOf(options)) {
    const { name, title, summary: description, answer: outputSchema } = question;
    const annotations = { readOnlyHint: true, openWorldHint: false };
    const inputSchema = queryOf(question);
    server.registerTool(
      name,
      { title, description, inputSchema, outputSchema, annotations },
      async (query) => {
        try {
          const structuredContent = await question.ask(query);
          return { structuredContent, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] };
        } catch (error) {
          const { error: what, remedy } = problemOf(error, name, options.log);
          const text = remedy === undefined ? what : `${what}: ${remedy}`;
          return { isError: true, content: [{ type: 'text', text }] };
        }
      },
    );
  }
}
