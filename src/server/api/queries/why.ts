import type { z } from 'zod';
import { isToken, type MetricCode } from '../../../catalog/index.ts';
import type { Settings } from '../../../config.ts';
import { UserError } from '../../../errors.ts';
import { readDesiredScope } from '../../../store/ledger/desired-scope.ts';
import { requireKnownTokens } from '../../../store/ledger/scope.ts';
import { storyToJson } from '../../../store/reports/story.ts';
import { readStory } from '../../../store/reports/why.ts';
import type { Instant } from '../../../time.ts';
import type { Reading } from '../reading.ts';
import type * as schemas from '../schemas/index.ts';

/**
 * The life of one window of a token, the same as the command `why` tells.
 * @throws UserError where there is no such token or metric
 */
export async function readWhy(
  reading: Reading,
  query: z.output<typeof schemas.whyQuery>,
  settings: Settings,
  now: Instant,
) {
  const { granularity, token, window, metric } = query;
  if (!isToken(token)) throw new UserError(`'${token}' is no ticker`);
  await requireKnownTokens(reading, [token], 'token');
  const desired = await readDesiredScope(reading, settings);
  const metrics = metric === undefined ? desired.metrics : [metricNamed(reading, metric)];
  const question = { token, granularity, instant: Date.parse(window), metrics };
  const { lookbackWindows } = settings;
  return storyToJson(await readStory(reading, question, { ...desired, lookbackWindows }, now));
}

function metricNamed({ catalogue }: Reading, text: string): MetricCode {
  const found = catalogue.find(text);
  if (found === undefined) throw new UserError(`there is no metric '${text}'`);
  return found.code;
}
