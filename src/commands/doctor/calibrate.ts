import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Ask,
  type Calibration,
  CallsSpent,
  calibrate,
  describeProbe,
  type FoundFacts,
  mailFor,
  type Outcome,
  type Probe,
  settingsOf,
  settledBy,
  verdictOf,
} from '../../api/calibrate/index.ts';
import { ApiClient, type Attempt, type CallContext } from '../../api/client.ts';
import { type Credentials, dialectOf, type Question, secretNames } from '../../api/dialects/index.ts';
import { ApiFailure } from '../../api/failure.ts';
import { requireCredentials, type Settings } from '../../config.ts';
import type { Database } from '../../store/connection/database.ts';
import { type FactName, type FactValues, storeFact } from '../../store/ledger/facts.ts';
import { printJson, writeOut } from '../output.ts';
import type { CommandContext } from '../run.ts';
import { checkDatabase } from './database.ts';
import { envLine, writeSettings } from './env-file.ts';

/** `doctor --calibrate`: finds out how the API is dressed, and what its pages leave open. */

export interface CalibrateOptions {
  readonly json?: true;
  readonly write?: true;
  readonly maxCalls: number;
}

/** @returns the exit code */
export async function runCalibration(context: CommandContext, options: CalibrateOptions): Promise<number> {
  const { runtime } = context;
  const { settings, clock } = runtime;
  // Every version needs the key.
  requireCredentials({ ...settings, apiVersion: 'v2.1' });
  const database = await usableDatabase(context);
  const caller = new Caller(context, options, database);
  const known = {
    hasSecrets: secretNames.every((name) => settings.credentials[name] !== undefined),
    version: settings.given.has('CRYPTORACLE_API_VERSION') ? settings.apiVersion : undefined,
    wire: settings.given.has('CRYPTORACLE_WIRE') ? settings.wire : undefined,
  };
  const calibration = await calibrate(known, caller.ask, clock.now());
  const facts = { ...calibration.facts, ...caller.clockOffset() };
  if (database !== undefined) await storeFacts(database, facts, clock.now());
  report(calibration, facts, { options, settings, calls: caller.calls });
  return exitCode(calibration);
}

/** The database where there is one with the schema that this program knows. */
async function usableDatabase({ runtime }: CommandContext): Promise<Database | undefined> {
  const checks = checkDatabase(runtime);
  let step = await checks.next();
  while (step.done !== true) step = await checks.next();
  return step.value.isCurrent ? step.value.database : undefined;
}

function exitCode({ found, verdicts, isCutOff }: Calibration): number {
  if (found !== undefined) return 0;
  const isSilent = [...verdicts.keys()].every((verdict) => verdict === 'unknown');
  return isSilent && !isCutOff ? 75 : 1;
}

/** Sends calls one by one, at the configured rate, and prints the trail. It asks no breaker: access is what is tried. */
class Caller {
  calls = 0;
  readonly #context: CommandContext;
  readonly #options: CalibrateOptions;
  readonly #database: Database | undefined;
  #lastSent = Number.NEGATIVE_INFINITY;
  #attempt: Attempt | undefined;
  #offset: number | undefined;

  constructor(context: CommandContext, options: CalibrateOptions, database: Database | undefined) {
    this.#context = context;
    this.#options = options;
    this.#database = database;
  }

  readonly ask: Ask = async (probe, question, why) => {
    if (this.calls === this.#options.maxCalls) throw new CallsSpent();
    await this.#turn();
    this.calls++;
    const outcome = await this.#send(probe, question);
    this.#tell(why, outcome);
    return outcome;
  };

  /** How far the API's clock is ahead of ours; its header is cut to the second. */
  clockOffset(): { readonly clock_offset?: number } {
    return this.#offset === undefined ? {} : { clock_offset: this.#offset };
  }

  async #turn(): Promise<void> {
    const { runtime, signal } = this.#context;
    if (this.#database !== undefined) {
      const limiter = await runtime.rateLimiter(this.#database);
      return limiter.acquire('live', signal);
    }
    const wait = this.#lastSent + 1000 / runtime.settings.requestsPerSecond - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal });
    this.#lastSent = performance.now();
  }

  async #send(probe: Probe, question: Question): Promise<Outcome> {
    const { runtime, signal } = this.#context;
    const { settings, clock } = runtime;
    const client = new ApiClient({
      baseUrl: settings.baseUrl,
      dialect: dialectOf(probe.version, probe.wire),
      credentials: credentialsFrom(settings),
      clock,
      fetch: runtime.fetch,
      retry: { attempts: 1, firstDelay: 0, longestDelay: 0 },
    });
    const call: CallContext = { signal, onAttempt: (attempt) => this.#note(attempt) };
    try {
      const payload =
        question.call === 'endpoint'
          ? await client.fetchMetrics(question.about, call)
          : await client.fetchTokens(call);
      return { payload };
    } catch (failure) {
      if (!(failure instanceof ApiFailure)) throw failure;
      return { failure };
    }
  }

  #note(attempt: Attempt): void {
    this.#attempt = attempt;
    if (attempt.serverTime === undefined) return;
    const sent = this.#context.runtime.clock.now() - attempt.milliseconds / 2;
    this.#offset = Math.round(attempt.serverTime + 500 - sent);
  }

  #tell(why: string, { failure }: Outcome): void {
    const said = failure?.message ?? 'code 200';
    const verdict = verdictOf(failure);
    const line = `${String(this.calls).padStart(3)}  ${why.padEnd(52)} ${verdict.padEnd(10)} ${said} (${this.#attempt?.milliseconds ?? 0} ms)\n`;
    (this.#options.json === true ? process.stderr : process.stdout).write(line);
  }
}

function credentialsFrom({ credentials }: Settings): Credentials {
  return { ...credentials, apiKey: credentials.apiKey ?? '' };
}

type AllFacts = FoundFacts & { readonly clock_offset?: number };

async function storeFacts(database: Database, facts: AllFacts, now: number): Promise<void> {
  const store = async <Name extends FactName>(name: Name, value: FactValues[Name] | undefined) => {
    if (value === undefined) return;
    await storeFact(database, { name, value, found: 'calibrated', detail: 'doctor --calibrate' }, now);
  };
  await store('record_unit', facts.record_unit);
  await store('record_limit', facts.record_limit);
  await store('day_start', facts.day_start);
  await store('empty_tags', facts.empty_tags);
  await store('token_list', facts.token_list);
  await store('clock_offset', facts.clock_offset);
}

interface Surroundings {
  readonly options: CalibrateOptions;
  readonly settings: Settings;
  readonly calls: number;
}

function report(calibration: Calibration, facts: AllFacts, { options, settings, calls }: Surroundings): void {
  const { found, verdicts, isCutOff } = calibration;
  const proposed = settingsOf(calibration);
  const settled = found === undefined ? settledBy(verdicts) : `access is granted to ${describeProbe(found)}`;
  const isServed = [...verdicts.keys()].some((verdict) => verdict !== 'unserved');
  const mail = found === undefined && isServed ? mailFor(calibration, settings.baseUrl, calls) : undefined;
  const isWritten = options.write === true && found !== undefined;
  if (isWritten) writeSettings('.env', proposed);
  if (options.json === true) {
    return printJson({ settings: proposed, facts, calls, settled, complete: !isCutOff, mail: mail ?? null });
  }
  const cutOff = isCutOff ? `\nthe calls are spent: --max-calls ${options.maxCalls}` : '';
  const known = Object.entries(facts).map(
    ([name, value]) =>
      `  ${name.replaceAll('_', ' ')}: ${String(value)}${name === 'clock_offset' ? ' ms' : ''}`,
  );
  const envLines = Object.entries(proposed).map(([name, value]) => envLine(name, value));
  writeOut(`\n${settled}, in ${calls} calls${cutOff}\n`);
  if (known.length > 0) writeOut(`\nwhat the API does:\n${known.join('\n')}\n`);
  if (mail !== undefined) writeOut(`\na mail to the vendor:\n\n${mail}\n`);
  if (found !== undefined)
    writeOut(`\n${isWritten ? 'written into .env' : 'lines for .env'}:\n\n${envLines.join('\n')}\n`);
}
