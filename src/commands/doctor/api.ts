import { sql } from 'drizzle-orm';
import { ApiClient, type Attempt } from '../../api/client.ts';
import { type Answer, decodeAnswer } from '../../api/decode.ts';
import { dialectOf, secretSettings } from '../../api/dialects/index.ts';
import { ApiFailure } from '../../api/failure.ts';
import { questionOf } from '../../api/question.ts';
import { askedApart, bundledTokens, tagCodes, windowLength } from '../../catalog/index.ts';
import { hasCredentials, requireCredentials, type Settings } from '../../config.ts';
import { settledUntil } from '../../planning/windows.ts';
import { proxyFor, proxyName } from '../../proxy.ts';
import { logRequest } from '../../store/answers/requests.ts';
import { assumedFacts, readDayStart } from '../../store/ledger/facts.ts';
import { makeProbeDue, readBreaker } from '../../store/limits/breaker.ts';
import { BudgetSpent } from '../../store/limits/rate-limiter.ts';
import { harmfulDifference, noticeableDifference, remedies } from '../../store/reports/troubles.ts';
import { count } from '../output.ts';
import type { CommandContext } from '../run.ts';
import type { Runtime } from '../runtime.ts';
import type { Times } from '../times.ts';
import type { FoundDatabase } from './database.ts';
import { type Finding, failed, failedWith, ok, skipped, warning } from './finding.ts';

/**
 * Checks the credentials with one real question: the newest window of one token. It is a call like any other: it waits
 * for its turn, counts against the budget, and is in the table `requests`, where there is a database.
 */
export async function* checkApi(
  context: CommandContext,
  found: FoundDatabase,
  times: Times,
): AsyncGenerator<Finding> {
  const { runtime } = context;
  const { settings } = runtime;
  if (!hasCredentials(settings)) {
    try {
      requireCredentials(settings);
    } catch (error) {
      yield failedWith('credentials', error);
    }
    yield skipped('API', 'there are no credentials to ask with');
    yield await checkClock(runtime, found, undefined);
    return;
  }
  yield* describeWay(settings);
  const { version, secrets } = dialectOf(settings.apiVersion, settings.wire);
  yield ok('credentials', `${version} needs ${secrets.map((name) => secretSettings[name]).join(', ')}: set`);
  let attempt: Attempt | undefined;
  try {
    yield await ask(context, found, times, (made) => {
      attempt = made;
    });
  } catch (error) {
    yield explain(error, settings, times);
  }
  yield await checkClock(runtime, found, attempt);
}

/** Says which way calls take, where a proxy is set at all: the vendor allows addresses one by one. */
function* describeWay({ baseUrl, proxy }: Settings): Generator<Finding> {
  if (proxy.https === undefined && proxy.http === undefined) return;
  const { protocol, host } = new URL(baseUrl);
  const way = proxyFor(baseUrl, proxy);
  if (way !== undefined) {
    const setting = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    yield ok(
      'proxy',
      `${host} is called through ${proxyName(way)} (${setting}): the vendor sees its address`,
    );
  } else yield ok('proxy', `${host} is called directly: no proxy is set for ${protocol.slice(0, -1)} there`);
}

async function ask(
  { runtime, signal }: CommandContext,
  { database, isCurrent, takesWrites }: FoundDatabase,
  times: Times,
  onAttempt: (attempt: Attempt) => void,
): Promise<Finding> {
  const { settings, clock } = runtime;
  const { baseUrl, apiVersion, wire, recordLimit, settleDelay } = settings;
  const store = isCurrent && takesWrites ? database : undefined;
  const rateLimiter = store && (await runtime.rateLimiter(store));
  const client = new ApiClient({
    baseUrl,
    dialect: dialectOf(apiVersion, wire),
    credentials: requireCredentials(settings),
    clock,
    fetch: runtime.fetch,
    retry: { attempts: 1, firstDelay: 0, longestDelay: 0 },
  });
  const dayStart = store === undefined ? assumedFacts.day_start.value : await readDayStart(store);
  const granularity = settings.granularities.includes('1d') ? '1d' : (settings.granularities[0] ?? '1d');
  const [token] = settings.tokens === 'all' ? bundledTokens.map((each) => each.token) : settings.tokens;
  const tags = wire.tags === 'one' ? tagCodes.slice(0, 1) : [];
  const { catalogue } = settings;
  const metrics =
    askedApart(catalogue.served(settings.metrics))[0]?.slice(0, Math.max(1, recordLimit - tags.length)) ?? [];
  const tokens = token === undefined ? [] : [token];
  const end = settledUntil(granularity, clock.now(), settleDelay, dayStart);
  const start = end - windowLength[granularity];
  const interval = { start, end };
  const question = { granularity, tokens, metrics, tags, interval };
  const started = performance.now();
  const payload = await client.fetchMetrics(questionOf(question, catalogue), {
    signal,
    turn: async (abort) => rateLimiter?.acquire('live', abort),
    onAttempt: async (attempt) => {
      onAttempt(attempt);
      if (store === undefined) return;
      const { outcome, code, milliseconds, message } = attempt;
      await logRequest(store, {
        ...({ what: 'values', lane: 'live', granularity, interval, tokens, metrics } as const),
        ...{ outcome, code, milliseconds, message, at: clock.now() },
      });
    },
  });
  const answer = decodeAnswer(payload, question, catalogue);
  const milliseconds = Math.round(performance.now() - started);
  const what = `${token}, ${granularity} of ${times.minute(start)} (${times.zone})`;
  // Workers find out at once that they may go on.
  const wasRefused = store !== undefined && (await readBreaker(store)) !== undefined;
  if (wasRefused) await makeProbeDue(store, clock.now());
  const message = `${new URL(baseUrl).host} answered in ${milliseconds} ms: ${what} has ${usableValues(answer)} values`;
  return judgeAnswer(
    answer,
    wasRefused ? `${message}; it refused access before, workers go on now` : message,
  );
}

const usableValues = ({ rows, tags }: Answer) =>
  rows.reduce((sum, { values }) => sum + values.filter((each) => each !== null).length, tags.length);

/** The window that is still running comes along now and then, which is no fault. */
const usualWindowsBeside = 1;

/** Whether the answer has what was asked for, and nothing else. */
function judgeAnswer(answer: Answer, message: string): Finding {
  const { values, windowsBeside, rejects, moreRejects } = answer;
  if (windowsBeside > usualWindowsBeside) {
    return warning(
      'API',
      `${message}; it brought ${count(values)}, of ${count(windowsBeside)} windows more than were asked for`,
      'the time range is not obeyed, so that calls bring little: `doctor --calibrate` finds out how it is asked for',
    );
  }
  if (rejects.length > 0) {
    const reasons = [...new Set(rejects.map(({ reason }) => reason))].join(', ');
    return warning(
      'API',
      `${message}; ${count(rejects.length + moreRejects)} things more cannot be stored: ${reasons}`,
      'the pipeline keeps such things in quarantine; `doctor --calibrate` finds out whether they are to be read another way',
    );
  }
  return ok('API', message);
}

/** Failures by kind, with what a person can do about them. @throws what is no failure of a call */
function explain(error: unknown, settings: Settings, times: Times): Finding {
  if (error instanceof BudgetSpent) {
    return warning(
      'API',
      `not asked: ${error.message}`,
      `it goes on at ${times.second(error.until)} (${times.zone})`,
    );
  }
  if (!(error instanceof ApiFailure)) throw error;
  const said = `${new URL(settings.baseUrl).host}: ${error.message}`;
  switch (error.kind) {
    case 'access-denied':
      return failed(
        'API',
        said,
        error.code === 403 && !error.isStatus && isSealed(settings)
          ? 'CRYPTORACLE_SIGN_SECRET is wrong, or CRYPTORACLE_WIRE says the wrong way to sign: `doctor --calibrate` finds out'
          : "check CRYPTORACLE_API_KEY, and that this machine's address is on the key's whitelist",
      );
    case 'bad-request':
      return failed(
        'API',
        said,
        isSealed(settings)
          ? 'CRYPTORACLE_DATA_SECRET or CRYPTORACLE_DATA_IV is wrong, or CRYPTORACLE_WIRE says the wrong way to encrypt: `doctor --calibrate` finds out'
          : 'CRYPTORACLE_API_VERSION may be the wrong version: `doctor --calibrate` finds out',
      );
    case 'metric-refused':
      return warning(
        'API',
        `access is granted; ${error.message}`,
        'the pipeline finds out which metrics are not in the subscription and leaves them out',
      );
    case 'no-data':
      return ok('API', `access is granted; ${error.message}`);
    case 'throttled':
      return {
        ...failed('API', said, 'somebody else uses the key, or REQUESTS_PER_SECOND is more than it may have'),
        mayPass: true,
      };
    case 'transient':
      return explainTransient(said, error.code, settings);
  }
}

/** Whether messages are signed and encrypted. */
function isSealed({ apiVersion, wire }: Settings): boolean {
  return dialectOf(apiVersion, wire).secrets.length > 1;
}

function explainTransient(said: string, code: number | undefined, settings: Settings): Finding {
  if (code !== undefined && code >= 400 && code < 500) {
    return failed(
      'API',
      said,
      'CRYPTORACLE_BASE_URL or CRYPTORACLE_API_VERSION is wrong: `doctor --calibrate` finds the version',
    );
  }
  if (code === 200) {
    return failed(
      'API',
      said,
      isSealed(settings)
        ? 'CRYPTORACLE_DATA_SECRET or CRYPTORACLE_DATA_IV is wrong, or CRYPTORACLE_WIRE, or something between here and the API answers in its place'
        : 'something between here and the API answers in its place, or CRYPTORACLE_API_VERSION is wrong',
    );
  }
  const way = proxyFor(settings.baseUrl, settings.proxy);
  const remedy =
    way === undefined
      ? 'check CRYPTORACLE_BASE_URL and the network, or wait'
      : `check the proxy ${proxyName(way)} and its login, CRYPTORACLE_BASE_URL and the network, or wait`;
  return { ...failed('API', said, remedy), mayPass: true };
}

/** Compares this machine's clock with the database's and the API's. */
async function checkClock(
  { clock }: Runtime,
  { database }: FoundDatabase,
  attempt: Attempt | undefined,
): Promise<Finding> {
  const differences: { readonly than: string; readonly ahead: number }[] = [];
  if (attempt?.serverTime !== undefined) {
    // The header was written while the call was under way, and is cut to the second.
    differences.push({
      than: 'the API',
      ahead: clock.now() - attempt.milliseconds / 2 - attempt.serverTime - 500,
    });
  }
  if (database !== undefined) {
    const [row] = await database.query<{ now: number }>(
      'look at clock',
      sql`select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
    );
    if (row !== undefined) differences.push({ than: 'the database', ahead: clock.now() - row.now });
  }
  if (differences.length === 0) return skipped('clock', 'there is no other to compare it with');
  const message = `this machine's clock differs by ${differences
    .map(({ than, ahead }) => `${(Math.abs(ahead) / 1000).toFixed(1)} s from ${than}`)
    .join(', ')}`;
  const worst = Math.max(...differences.map(({ ahead }) => Math.abs(ahead)));
  if (worst > harmfulDifference) return failed('clock', message, remedies.clock);
  return worst > noticeableDifference ? warning('clock', message, remedies.clock) : ok('clock', message);
}
