import swagger from '@fastify/swagger';
import type { FastifyError, FastifyPluginAsync } from 'fastify';
import { createJsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { innermost, UserError } from '../../errors.ts';
import { errorCode, isOutage } from '../../store/connection/errors.ts';
import { QuestionTooLarge } from './reading.ts';
import { dataRoutes } from './routes/data.ts';
import { orderRoutes } from './routes/orders.ts';
import type { ApiOptions } from './routes/route.ts';
import { troubleRoutes } from './routes/trouble.ts';

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
    if (error instanceof UserError) return reply.code(400).send({ error: error.message });
    if (error instanceof QuestionTooLarge) return reply.code(503).send({ error: error.message });
    if (error.validation !== undefined) return reply.code(400).send({ error: error.message });
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ error: error.message });
    const path = request.routeOptions.url;
    options.log.warn({ path, reason: innermost(error) }, 'a question of the page failed');
    if (errorCode(error) === '42501') {
      return reply.code(503).send({
        error: 'the login of DATABASE_URL may not read this; grant cryptoracle_reader to it',
      });
    }
    if (isOutage(error)) return reply.code(503).send({ error: 'the database does not answer' });
    return reply.code(500).send({ error: 'unexpected failure, the log has more' });
  });
  await app.register(dataRoutes, options);
  await app.register(troubleRoutes, options);
  await app.register(orderRoutes, options);
  app.get('/openapi.json', { schema: { hide: true, response: { 200: z.unknown() } } }, async () =>
    app.swagger(),
  );
};
