import { questionsOf } from '../questions/index.ts';
import { type ApiPlugin, answers, typed } from './route.ts';

/** A route for every question. */
export const questionRoutes: ApiPlugin = async (app, options) => {
  const routes = typed(app);
  for (const asked of questionsOf(options)) {
    const schema = { querystring: asked.query, ...answers(asked.summary, asked.answer) };
    routes.get(`/${asked.name}`, { schema }, async (request) => asked.ask(request.query));
  }
};
