import { Command, InvalidArgumentError, Option } from 'commander';
import { dialectOf, secretSettings } from '../api/dialects/index.ts';
import { type ApiVersion, apiVersions } from '../catalog/index.ts';
import type { Settings } from '../config.ts';
import { UserError } from '../errors.ts';
import {
  type Behaviour,
  type Coverage,
  coverages,
  describeBehaviour,
  describeFaults,
  type Faults,
  followControlFile,
  parseBehaviour,
  parseFaults,
  type Simulator,
  type SimulatorOptions,
  sampleCredentials,
  startSimulator,
} from '../simulator/index.ts';
import { parseHost, parsePort, parsePositive } from './options.ts';
import { writeErr, writeOut } from './output.ts';
import { runCommand } from './run.ts';

interface SimulateOptions {
  readonly port: number;
  readonly host: string;
  readonly seed: number;
  readonly api?: ApiVersion;
  readonly coverage?: Coverage;
  readonly faults?: Faults;
  readonly behaviour?: Partial<Behaviour>;
  readonly overLimit?: Behaviour['overLimit'];
  readonly rateLimit?: number;
  readonly control?: string;
}

/** An option's reader, whose mistakes commander tells. */
function option<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

/** Two lines each: no line of help is longer than a terminal. */
function listed(title: string, lines: readonly (readonly [form: string, means: string])[]): string {
  return [`\n${title}`, ...lines.map(([form, means]) => `  ${form}\n      ${means}`)].join('\n');
}

const helpAfter = () =>
  [
    listed(
      'Faults: a list with commas; P is the share of the requests that meet it, 0 to 1',
      describeFaults(),
    ),
    listed('Behaviour: a list with commas; the default of v1 in brackets', describeBehaviour()),
    '',
    'A control file is read again whenever it changes, and takes the place of what',
    'was given before: {"faults":"error500=0.5","behaviour":{"recordLimit":500,',
    '"coinListFails":true,"refusedMetrics":["CO-A-01-09"]}}',
    '',
    'CRYPTORACLE_WIRE says how v1 is dressed, and the credentials that are set are',
    'the only ones accepted; without any, those of the vendor’s public sample are.',
  ].join('\n');

export const simulateCommand = new Command('simulate')
  .description('a stand-in for the API with believable data, for trying things out')
  .requiredOption('--port <port>', 'port to listen on; 0 takes any', parsePort)
  .option('--host <host>', 'address to listen on', parseHost, '127.0.0.1')
  .option('--seed <n>', 'another seed gives other data', parsePositive, 1)
  .addOption(
    new Option('--api <version>', 'version of the API (default: CRYPTORACLE_API_VERSION)').choices(
      apiVersions,
    ),
  )
  .addOption(
    new Option('--coverage <which>', 'which tokens have which granularities (default: as the version)')
      .choices(coverages)
      .argParser(option(parseCoverage)),
  )
  .option('--faults <list>', 'misbehave, e.g. error500=0.1,slow=2000@0.1', option(parseFaults))
  .option('--behaviour <list>', 'e.g. dayStart=00:00,recordUnit=row', option(parseBehaviour))
  .option('--control <file>', 'a file with faults and behaviour, followed while it runs', parsePath)
  .addOption(
    new Option(
      '--over-limit <what>',
      "above the record limit: 'error', or 'cut' short without a word",
    ).choices(['error', 'cut']),
  )
  .option('--rate-limit <n>', 'answer 429 to more than so many requests a second', parsePositive)
  .addHelpText('after', helpAfter)
  .action((options: SimulateOptions) =>
    runCommand(async ({ runtime, signal }) => {
      const given = simulatorOptions(options, runtime.settings);
      const simulator = await listen(options, () => startSimulator(given));
      runtime.onClose('simulator', () => simulator.close());
      if (options.control !== undefined) {
        const stop = follow(options.control, simulator, given);
        runtime.onClose('control file', async () => stop());
      }
      writeOut(
        `the simulator listens; point the pipeline at it:\n${environment(simulator, runtime.settings)}\n`,
      );
      if (!signal.aborted) {
        await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
      }
      return 0;
    }),
  );

function parsePath(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('A path is missing.');
  return text;
}

function parseCoverage(text: string): Coverage {
  const found = coverages.find((each) => each === text);
  if (found === undefined) throw new RangeError(`Allowed choices are ${coverages.join(', ')}.`);
  return found;
}

function simulatorOptions(options: SimulateOptions, settings: Settings): SimulatorOptions {
  const { host, port, seed, overLimit, rateLimit, coverage } = options;
  return {
    host,
    port,
    seed,
    apiVersion: options.api ?? servedVersion(settings),
    wire: settings.wire,
    market: { catalogue: settings.catalogue, ...(coverage === undefined ? {} : { coverage }) },
    credentials: { ...sampleCredentials, ...settings.credentials },
    faults: options.faults ?? {},
    behaviour: {
      recordLimit: settings.recordLimit,
      recordUnit: settings.recordUnit,
      ...options.behaviour,
      ...(overLimit === undefined ? {} : { overLimit }),
      ...(rateLimit === undefined ? {} : { rateLimit }),
    },
  };
}

/** With no credentials set, the sample ones count: all four, as v1 needs them. */
function servedVersion({ apiVersion, credentials, given }: Settings): ApiVersion {
  const isChosen = given.has('CRYPTORACLE_API_VERSION') || Object.keys(credentials).length > 0;
  return isChosen ? apiVersion : 'v1';
}

/** Has the simulator do what the control file says, on top of how it was started. */
function follow(path: string, simulator: Simulator, started: SimulatorOptions): () => void {
  return followControlFile(
    path,
    ({ faults, behaviour }) => {
      simulator.setFaults({ ...started.faults, ...faults });
      simulator.behave({ ...started.behaviour, ...behaviour });
    },
    (message) => writeErr(`warning: ${path}: ${message}; nothing changes\n`),
  );
}

async function listen<T>({ host, port }: SimulateOptions, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') throw new UserError(`--port: ${port} is in use; choose another`);
    if (code === 'EACCES')
      throw new UserError(`--port: ${port} may not be used by this user; choose one above 1023`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new UserError(`--host: ${host} is no address of this machine`);
    throw error;
  }
}

/** Lines for `.env`; credentials that were set are known to whoever set them, and not printed. */
function environment({ url, apiVersion }: Simulator, { credentials }: Settings): string {
  const address = `CRYPTORACLE_BASE_URL=${url}`;
  if (Object.keys(credentials).length > 0) return address;
  const secrets = dialectOf(apiVersion).secrets.map(
    (name) => `${secretSettings[name]}=${sampleCredentials[name]}`,
  );
  // All secrets of v1 tell the version by themselves.
  const version = apiVersion === 'v1' ? [] : [`CRYPTORACLE_API_VERSION=${apiVersion}`];
  return [...version, address, ...secrets].join('\n');
}
