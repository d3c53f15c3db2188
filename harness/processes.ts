import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rememberProcess } from './leftovers.ts';
import type { BuiltProgram } from './program.ts';

/** The program's processes, as a person would start them, and as nobody would end them. */

export type Environment = Readonly<Record<string, string>>;

/** Words that no process may ever print. */
const disaster = /unhandled|unexpected failure|uncaught|out of memory/i;

export class Member {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #clockFile: string;
  readonly #ready: Promise<void>;
  #output = '';
  #isKilled = false;

  constructor(
    name: string,
    program: BuiltProgram,
    args: readonly string[],
    folder: string,
    environment: Environment,
  ) {
    this.name = name;
    this.#clockFile = join(folder, `${name}.clock`);
    const { PATH = '', HOME = '' } = process.env;
    const skewedClock = pathToFileURL(program.skewedClock).href;
    this.#process = spawn(process.execPath, ['--import', skewedClock, program.cli, ...args], {
      cwd: folder,
      env: { PATH, HOME, LOG_LEVEL: 'info', CHAOS_CLOCK_FILE: this.#clockFile, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process.once('exit', rememberProcess(this.#process.pid));
    this.#ready = new Promise((done, fail) => {
      this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-20_000);
        if (this.#output.includes('running; Ctrl-C ends it')) done();
      });
      this.#process.once('exit', (code) => fail(new Error(`${name} ended with ${code}: ${this.#output}`)));
    });
    this.#ready.catch(() => {});
  }

  /** Number of the process; `undefined` where it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Settles once a `start` runs. @throws Error where it ended instead */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Ends it without a chance to clean up. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#isKilled = true;
    await this.#end('SIGTERM');
  }

  /** @returns the exit code. @throws Error where it does not end by itself within two minutes */
  async ended(): Promise<number | null> {
    if (this.isRunning) await once(this.#process, 'exit', { signal: AbortSignal.timeout(120_000) });
    this.#isKilled = true;
    return this.#process.exitCode;
  }

  /** Sets its clock forward, or back where `milliseconds` is negative; 0 sets it right. */
  setClock(milliseconds: number): void {
    writeFileSync(this.#clockFile, String(milliseconds));
  }

  /** The complaint about a process that ended by itself or printed forbidden words; `undefined` where there is none. */
  complaint(): string | undefined {
    if (!this.isRunning && !this.#isKilled) {
      return `${this.name} ended by itself (${this.#process.exitCode ?? this.#process.signalCode}): ${this.#output.slice(-800)}`;
    }
    const line = this.#output.split('\n').find((each) => disaster.test(each));
    return line === undefined ? undefined : `${this.name}: ${line}`;
  }

  /** The end of what it printed. */
  lastSaid(): string {
    return `${this.name}: ${this.#output.slice(-1500)}`;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }
}
