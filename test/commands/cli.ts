import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, expect, inject } from 'vitest';
import { CommandHosts, type Ended } from '../../harness/command-hosts.ts';
import { createTemporaryFolder, rememberProcess } from '../../harness/leftovers.ts';
import type { SealedCredentials } from '../../src/api/dialects/index.ts';
import type { Simulator } from '../../src/simulator/index.ts';

/** Runs the program as a person does: with settings and a folder of its own. */

export type Environment = Readonly<Record<string, string>>;

export type { Ended };

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** An empty folder that is removed when the surrounding suite ends. */
export function createFolder(): string {
  const folder = createTemporaryFolder('test');
  afterAll(() => folder.remove());
  return folder.path;
}

/** These settings and no others. */
function environmentOf(settings: Environment): Environment {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, LOG_LEVEL: 'warn', ...settings };
}

/** Starts a command as a process of its own. */
export function startCli(cwd: string, args: readonly string[], settings: Environment = {}): Running {
  const child = spawn(process.execPath, [inject('program'), ...args], {
    cwd,
    env: environmentOf(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const forget = rememberProcess(child.pid);
  child.once('exit', forget);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { process: child, ended };
}

let hosts: CommandHosts | undefined;

/** Runs a command to its end, in a process that runs one after the other: a process for each takes ten times as long. */
export function runCli(cwd: string, args: readonly string[], settings: Environment = {}): Promise<Ended> {
  hosts ??= new CommandHosts(inject('commandHost'), inject('program'));
  return hosts.run({ args, cwd, environment: environmentOf(settings) });
}

/** Lines that tell a person what is wrong. */
export function errorLines({ stderr }: Ended): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('error:'));
}

export function credentialSettings(credentials: SealedCredentials): Environment {
  return {
    CRYPTORACLE_API_KEY: credentials.apiKey,
    CRYPTORACLE_SIGN_SECRET: credentials.signSecret,
    CRYPTORACLE_DATA_SECRET: credentials.dataSecret,
    CRYPTORACLE_DATA_IV: credentials.dataIv,
  };
}

/** Settings that point at a simulator and a database, without patience. */
export function settingsFor(simulator: Simulator, databaseUrl: string): Environment {
  return {
    DATABASE_URL: databaseUrl,
    CRYPTORACLE_BASE_URL: simulator.url,
    REQUESTS_PER_SECOND: '10000',
    // A call more at a time is a connection more.
    FETCH_CONCURRENCY: '3',
    ...credentialSettings(simulator.credentials),
  };
}

/** Expects that a command ended with one line that names everything in `named`, and nothing that helps nobody. */
export function expectMistake(ended: Ended, named: readonly string[], code = 1): void {
  const lines = errorLines(ended);
  expect(lines, ended.stderr).toHaveLength(1);
  for (const name of named) expect(lines[0]).toContain(name);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  expect(ended.stdout).toBe('');
  expect(ended.code).toBe(code);
}
