import { Command, InvalidArgumentError } from 'commander';
import type { ApiVersion } from '../catalog/index.ts';
import type { Settings } from '../config.ts';
import { UserError } from '../errors.ts';
import { type Faults, parseFaults, sampleCredentials, startSimulator } from '../simulator/index.ts';
import { parseHost, parsePort, parsePositive } from './options.ts';
import { runCommand } from './run.ts';

interface SimulateOptions {
  readonly port: number;
  readonly host: string;
  readonly seed: number;
  readonly faults?: Faults;
  readonly overLimit: 'error' | 'cut';
  readonly rateLimit?: number;
}

function parseFaultList(text: string): Faults {
  try {
    return parseFaults(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function parseOverLimit(text: string): SimulateOptions['overLimit'] {
  if (text === 'error' || text === 'cut') return text;
  throw new InvalidArgumentError("'error' or 'cut'.");
}

export const simulateCommand = new Command('simulate')
  .requiredOption('--port <port>', 'port to listen on; 0 takes any', parsePort)
  .option('--host <host>', 'address to listen on', parseHost, '127.0.0.1')
  .option('--seed <n>', 'another seed gives other data', parsePositive, 1)
  .option('--faults <list>', 'misbehave, e.g. error500=0.1,cutConnection=0.05,slow=2000@0.1', parseFaultList)
  .option(
    '--over-limit <what>',
    "above the record limit: 'error', or 'cut' short without a word",
    parseOverLimit,
    'error',
  )
  .option('--rate-limit <n>', 'answer 429 to more than so many requests a second', parsePositive)
  .action((options: SimulateOptions) =>
    runCommand(async ({ runtime, signal }) => {
      const { settings } = runtime;
      const simulator = await listen(options, () =>
        startSimulator({
          host: options.host,
          port: options.port,
          seed: options.seed,
          apiVersion: servedVersion(settings),
          wire: settings.wire,
          credentials: { ...sampleCredentials, ...settings.credentials },
          faults: options.faults ?? {},
          behaviour: {
            overLimit: options.overLimit,
            recordLimit: settings.recordLimit,
            recordUnit: settings.recordUnit,
            ...(options.rateLimit === undefined ? {} : { rateLimit: options.rateLimit }),
          },
        }),
      );
      runtime.onClose('simulator', () => simulator.close());
      process.stdout.write(
        `the simulator listens; point the pipeline at it:\n${environment(simulator.url, Object.keys(settings.credentials).length === 0)}\n`,
      );
      if (!signal.aborted) {
        await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
      }
      return 0;
    }),
  );

/** With no credentials set, the sample ones count: all four, as v1 needs them. */
function servedVersion({ apiVersion, credentials, given }: Settings): ApiVersion {
  const isChosen = given.has('CRYPTORACLE_API_VERSION') || Object.keys(credentials).length > 0;
  return isChosen ? apiVersion : 'v1';
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
function environment(url: string, isSample: boolean): string {
  if (!isSample) return `CRYPTORACLE_BASE_URL=${url}`;
  const { apiKey, signSecret, dataSecret, dataIv } = sampleCredentials;
  return [
    `CRYPTORACLE_BASE_URL=${url}`,
    `CRYPTORACLE_API_KEY=${apiKey}`,
    `CRYPTORACLE_SIGN_SECRET=${signSecret}`,
    `CRYPTORACLE_DATA_SECRET=${dataSecret}`,
    `CRYPTORACLE_DATA_IV=${dataIv}`,
  ].join('\n');
}
