import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import type { HostedCommand } from './command-host.ts';

/** The end of a command. */
export interface Ended {
  /** `null` where the process was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commands at a time; the others wait for their turn. Each host takes a second to load the program. */
const mostHosts = 2;

/** Processes that run the program's commands, each one after the other. They end with the process that has them. */
export class CommandHosts {
  readonly #host: string;
  readonly #cli: string;
  readonly #idle: ChildProcess[] = [];
  readonly #waiting: ((host: ChildProcess) => void)[] = [];
  #started = 0;

  /** @param host the built `command-host.ts` @param cli the built program */
  constructor(host: string, cli: string) {
    this.#host = host;
    this.#cli = cli;
  }

  async run(command: Omit<HostedCommand, 'mark'>): Promise<Ended> {
    const host = await this.#take();
    hold(host, true);
    const mark = `\0${randomBytes(12).toString('hex')}\0`;
    const output = { stdout: collect(host, 'stdout', mark), stderr: collect(host, 'stderr', mark) };
    const ended = endOf(host);
    host.send({ ...command, mark });
    const code = await ended;
    const [stdout, stderr] = [await output.stdout, await output.stderr];
    hold(host, false);
    this.#give(host.connected ? host : undefined);
    return { code, stdout, stderr };
  }

  async #take(): Promise<ChildProcess> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#started >= mostHosts) return new Promise((done) => this.#waiting.push(done));
    this.#started++;
    return this.#start();
  }

  #start(): ChildProcess {
    const host = spawn(process.execPath, [this.#host, this.#cli], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    host.stdout?.setEncoding('utf8');
    host.stderr?.setEncoding('utf8');
    return host;
  }

  /** @param host `undefined` where it has crashed */
  #give(host: ChildProcess | undefined): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next(host ?? this.#start());
    else if (host !== undefined) this.#idle.push(host);
    else this.#started--;
  }
}

/** Has a host keep this process from ending, or not: an idle one does not. */
function hold(host: ChildProcess, isHeld: boolean): void {
  for (const handle of [host, host.channel, host.stdout, host.stderr]) {
    if (handle === host || handle === host.channel || handle instanceof Socket) {
      if (isHeld) handle?.ref();
      else handle?.unref();
    }
  }
}

/** The exit code of the command that runs, or of the process where it crashed. */
function endOf(host: ChildProcess): Promise<number | null> {
  return new Promise((done) => {
    const end = (code: unknown) => {
      host.off('message', end).off('exit', end);
      done(typeof code === 'number' ? code : null);
    };
    host.on('message', end).on('exit', end);
  });
}

/** The output of a command: all until its mark, or until its process ends. */
function collect(host: ChildProcess, name: 'stdout' | 'stderr', mark: string): Promise<string> {
  const stream = host[name];
  return new Promise((done) => {
    let text = '';
    const end = () => {
      stream?.off('data', read).off('close', end);
      done(text.replace(mark, ''));
    };
    const read = (part: string) => {
      text += part;
      if (text.endsWith(mark)) end();
    };
    stream?.on('data', read).once('close', end);
  });
}
