import swagger from '@fastify/swagger';
import type { FastifyError, FastifyPluginAsync } from 'fastify';
import { createJsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemOf } from './problem.ts';
import { dataRoutes } from './routes/data.ts';
import { orderRoutes } from './routes/orders.ts';
import { quarantineRoutes } from './routes/quarantine.ts';
import { questionRoutes } from './routes/questions.ts';
import type { ApiOptions } from './routes/route.ts';

/** `/api/v1`: what the page and programs ask; described by `/api/v1/openapi.json`. */
export const api: FastifyPluginAsync<ApiOptions> = async (app, options) => {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'cryptoracle',
        description:
          'What the pipeline has fetched, how complete it is, and what is wrong. Instants are UTC. Where HTTP_TOKEN is set, send it as bearer; writing takes HTTP_WRITE_TOKEN.',
        version: '1',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.validation === undefined ? (error.statusCode ?? 500) : 400;
    if (status < 500) return reply.code(status).send({ error: error.message });
    const { status: code, ...problem } = problemOf(error, request.routeOptions.url, options.log);
    return reply.code(code).send(problem);
  });
  await app.register(questionRoutes, options);
  await app.register(dataRoutes, options);
  await app.register(quarantineRoutes, options);
  await app.register(orderRoutes, options);
  app.get('/openapi.json', { schema: { hide: true, response: { 200: z.unknown() } } }, async () =>
    app.swagger(),
  );
};
