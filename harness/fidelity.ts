import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { wireProfileSchema } from '../src/api/dialects/index.ts';
import { formatBeijingDate, parseBeijing } from '../src/beijing.ts';
import { asToken, bundledCatalogue } from '../src/catalog/index.ts';
import { behaviourOf, type Simulator, startSimulator } from '../src/simulator/index.ts';
import { Database } from '../src/store/connection/database.ts';
import type { Disguise } from './disguises.ts';
import { compareWithTruth, windowsWithin } from './truth.ts';

/**
 * Takes the program through a disguise as a new user would, with credentials and an address alone: find out how the API
 * speaks, make the tables, fill some days; then compares every cell with the truth.
 */

export interface FidelityOptions {
  /** The program, for `node` to run. */
  readonly cli: string;
  /** An empty database. */
  readonly databaseUrl: string;
  readonly days: number;
  /** Whether the program finds out by itself how the API speaks; else it is told. */
  readonly calibrates: boolean;
}

export interface Fidelity {
  readonly name: string;
  /** Calls that it took to find out how the API speaks. */
  readonly calls: number;
  readonly cells: number;
  readonly equal: number;
  readonly wrong: number;
  readonly missing: number;
  readonly quarantined: number;
  /** The message of a command that failed; empty where all went well. */
  readonly complaint: string;
}

/** Each of a tier of its own where the version has tiers. */
const tokens = ['BTC', 'ETH', 'SOL', 'QTUM'].map(asToken);

type Environment = Readonly<Record<string, string>>;

const day = 86_400_000;

/** Some days ago, when every value was final. */
function rangeOf(days: number) {
  const to = formatBeijingDate(Date.now() - 3 * day);
  const end = parseBeijing(to);
  if (end === undefined) throw new RangeError(`no date: ${to}`);
  const start = end - days * day;
  return { from: formatBeijingDate(start), to, interval: { start, end } };
}

export async function measureFidelity(disguise: Disguise, options: FidelityOptions): Promise<Fidelity> {
  const simulator = await startDisguised(disguise);
  const folder = mkdtempSync(join(tmpdir(), 'cryptoracle-fidelity-'));
  const database = new Database(options.databaseUrl, { connections: 1 });
  try {
    return await new Attempt(disguise, options, simulator, folder, database).run();
  } finally {
    await database.close();
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function startDisguised({ version, wire, behaviour }: Disguise): Promise<Simulator> {
  return startSimulator({
    seed: 5,
    apiVersion: version,
    wire: wireProfileSchema.parse(wire ?? {}),
    ...(behaviour === undefined ? {} : { behaviour }),
  });
}

class Attempt {
  readonly #disguise: Disguise;
  readonly #options: FidelityOptions;
  readonly #simulator: Simulator;
  readonly #folder: string;
  readonly #database: Database;

  constructor(
    disguise: Disguise,
    options: FidelityOptions,
    simulator: Simulator,
    folder: string,
    database: Database,
  ) {
    this.#disguise = disguise;
    this.#options = options;
    this.#simulator = simulator;
    this.#folder = folder;
    this.#database = database;
  }

  async run(): Promise<Fidelity> {
    const { from, to, interval } = rangeOf(this.#options.days);
    let calls = 0;
    try {
      const settings = this.#options.calibrates ? await this.#calibrate() : this.#told();
      calls = this.#simulator.counters.requests;
      await this.#command(['migrate'], settings);
      await this.#command(['backfill', '--from', from, '--to', to, '--json'], settings);
    } catch (error) {
      return this.#failure(calls, error instanceof Error ? error.message : String(error));
    }
    return this.#compare(interval, calls);
  }

  /** The knowledge of a new user: an address and the credentials that came with the contract. */
  #known(): Environment {
    const { apiKey, signSecret, dataSecret, dataIv } = this.#simulator.credentials;
    const secrets = {
      CRYPTORACLE_SIGN_SECRET: signSecret,
      CRYPTORACLE_DATA_SECRET: dataSecret,
      CRYPTORACLE_DATA_IV: dataIv,
    };
    return {
      DATABASE_URL: this.#options.databaseUrl,
      CRYPTORACLE_BASE_URL: this.#simulator.url,
      CRYPTORACLE_API_KEY: apiKey,
      ...(this.#disguise.version === 'v1' ? secrets : {}),
      TOKENS: tokens.join(),
      REQUESTS_PER_SECOND: '100',
      LOG_LEVEL: 'warn',
    };
  }

  async #calibrate(): Promise<Environment> {
    const output = await this.#command(['doctor', '--calibrate', '--json'], {});
    return calibrationSchema.parse(JSON.parse(output)).settings;
  }

  /** The settings that fit, by hand. */
  #told(): Environment {
    const { version, wire, behaviour } = this.#disguise;
    const { dayStart, recordLimit, recordUnit, allowEmptyTags } = behaviourOf(version, behaviour);
    const tags: Readonly<Record<string, string>> = allowEmptyTags ? {} : { tags: 'one' };
    return {
      CRYPTORACLE_API_VERSION: version,
      CRYPTORACLE_WIRE: JSON.stringify({ ...wire, ...tags }),
      DAY_START: dayStart,
      RECORD_LIMIT: String(recordLimit),
      RECORD_UNIT: recordUnit,
    };
  }

  /** Runs the program. @returns what it printed @throws Error with what it complained of */
  async #command(args: readonly string[], settings: Environment): Promise<string> {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, [this.#options.cli, ...args], {
      cwd: this.#folder,
      env: { PATH, HOME, ...this.#known(), ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    await once(child, 'close');
    if (child.exitCode === 0) return output.stdout;
    const said = output.stderr.trim().split('\n').at(-1) ?? '';
    throw new Error(`${args.slice(0, 2).join(' ')} ended with ${child.exitCode}: ${said}`);
  }

  async #compare(
    interval: { readonly start: number; readonly end: number },
    calls: number,
  ): Promise<Fidelity> {
    const { version, behaviour, name } = this.#disguise;
    const wanted = windowsWithin(interval, behaviourOf(version, behaviour).dayStart);
    const { market } = this.#simulator;
    const served = bundledCatalogue.served(bundledCatalogue.codes, version);
    const { cells, differences } = await compareWithTruth(
      this.#database,
      market,
      tokens,
      wanted,
      undefined,
      served,
    );
    const missing = differences.filter((each) => each.stored === null && each.true !== null).length;
    const { rows } = await this.#database.pool.query<{ quarantined: number }>(
      'select count(*)::int as quarantined from cryptoracle.quarantine',
    );
    return {
      name,
      calls,
      cells,
      equal: cells - differences.length,
      wrong: differences.length - missing,
      missing,
      quarantined: rows[0]?.quarantined ?? 0,
      complaint: '',
    };
  }

  #failure(calls: number, complaint: string): Fidelity {
    const { name } = this.#disguise;
    return { name, calls, cells: 0, equal: 0, wrong: 0, missing: 0, quarantined: 0, complaint };
  }
}

const calibrationSchema = z.object({ settings: z.record(z.string(), z.string()) });
