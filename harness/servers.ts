import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { type EmbeddedDatabase, startEmbedded } from '../src/store/connection/embedded/index.ts';
import { packaged } from '../src/store/connection/embedded/programs.ts';
import { createTemporaryFolder, rememberProcess, type TemporaryFolder } from './leftovers.ts';

/** Servers that belong to one run and nobody else uses, so that they can be broken. A later run stops them where this one is killed. */

export const silent = pino({ level: 'silent' });

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port is free');
  return address.port;
}

type ServerSettings = Readonly<Record<string, string>>;

const serverSettings: ServerSettings = { max_connections: '120', shared_buffers: '64MB' };

/** A PostgreSQL server with its data in a folder of its own: the npm package's, which is the same on every machine. */
export class PostgresServer {
  readonly #folder: TemporaryFolder;
  readonly #settings: ServerSettings;
  #embedded: EmbeddedDatabase;

  private constructor(folder: TemporaryFolder, settings: ServerSettings, embedded: EmbeddedDatabase) {
    this.#folder = folder;
    this.#settings = settings;
    this.#embedded = embedded;
  }

  /** @param overrides settings that differ from those of a small server */
  static async start(overrides: ServerSettings = {}): Promise<PostgresServer> {
    const folder = createTemporaryFolder('postgres');
    const settings = { ...serverSettings, port: String(await freePort()), ...overrides };
    return new PostgresServer(folder, settings, await startEmbedded(folder.path, silent, settings, packaged));
  }

  get url(): string {
    return this.#embedded.url;
  }

  /** Ends it at once and starts it again, as `pg_ctl restart -m immediate` does: it recovers from its log. */
  async restartImmediately(): Promise<void> {
    const pid = this.#pid();
    process.kill(pid, 'SIGQUIT');
    while (isAlive(pid)) await sleep(20);
    this.#embedded = await startEmbedded(this.#folder.path, silent, this.#settings, packaged);
  }

  /**
   * Sets the most bytes that a file may have for connections from now on, as a quota or a full disk does: tables that
   * are larger cannot grow. `undefined` lifts it.
   */
  limitFiles(bytes: number | undefined): void {
    const pid = this.#pid();
    // Only the soft limit, which a process of the same account may lift again.
    const limit = `--fsize=${bytes ?? 'unlimited'}:unlimited`;
    const { uid, gid } = ownerOf(pid);
    const result = spawnSync('prlimit', ['--pid', String(pid), limit], { uid, gid, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`prlimit: ${result.error?.message ?? result.stderr}`);
  }

  /** Stops it in good order and starts it as a standby that waits for a primary: it can be read and takes no writes. */
  async becomeStandby(): Promise<void> {
    await this.#embedded.stop();
    const data = join(this.#folder.path, 'postgres');
    writeFileSync(join(data, 'standby.signal'), '');
    this.#embedded = await startEmbedded(this.#folder.path, silent, this.#settings, packaged);
  }

  async stop(): Promise<void> {
    await this.#embedded.stop();
    this.#folder.remove();
  }

  #pid(): number {
    return Number(readFileSync(join(this.#folder.path, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function ownerOf(pid: number): { readonly uid: number; readonly gid: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const id = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { uid: id('Uid'), gid: id('Gid') };
}

/** Ends a process at once, and waits until it is gone. */
export async function kill(process: ChildProcess): Promise<void> {
  const ended = once(process, 'exit');
  process.kill('SIGKILL');
  await ended;
}

/** A Redis that keeps nothing on disk: what it knew is gone when it ends. */
export class RedisServer {
  readonly port: number;
  readonly #folder: TemporaryFolder;
  readonly #settings: readonly string[];
  #process: ChildProcess;
  #forget: () => void;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#folder = createTemporaryFolder('redis');
    this.#settings = settings;
    this.#process = this.#spawn();
    this.#forget = rememberProcess(this.#process.pid);
  }

  /** @param settings further arguments, as of a configuration file: `--name value` */
  static async start(settings: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    await server.command('ping');
    return server;
  }

  #spawn(): ChildProcess {
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const args = [...own, '--dir', this.#folder.path, ...this.#settings];
    return spawn('redis-server', args, { stdio: 'ignore' });
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Runs a command, as an administrator would. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const redis = new Redis(this.port, '127.0.0.1', {
      retryStrategy: () => 50,
      maxRetriesPerRequest: 200,
    });
    redis.on('error', () => {});
    try {
      return await redis.call(name, ...args);
    } finally {
      redis.disconnect();
    }
  }

  /** Kills it, leaves it away for a moment, and starts it empty. */
  async restart(away: number): Promise<void> {
    await this.kill();
    await sleep(away);
    this.#process = this.#spawn();
    this.#forget = rememberProcess(this.#process.pid);
    await this.command('ping');
  }

  async stop(): Promise<void> {
    await this.kill();
    this.#folder.remove();
  }

  /** Kills it, until a {@link restart}. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    await kill(this.#process);
    this.#forget();
  }
}

/** A Sentinel that watches a Redis under the name `main`. */
export class RedisSentinel {
  readonly port: number;
  readonly #folder: TemporaryFolder;
  readonly #process: ChildProcess;
  readonly #forget: () => void;

  private constructor(folder: TemporaryFolder, port: number, file: string) {
    this.port = port;
    this.#folder = folder;
    this.#process = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    this.#forget = rememberProcess(this.#process.pid);
  }

  /** @param masterPort the port of the Redis @param settings further lines of its configuration */
  static async start(masterPort: number, settings: readonly string[] = []): Promise<RedisSentinel> {
    const folder = createTemporaryFolder('sentinel');
    const port = await freePort();
    const file = join(folder.path, 'sentinel.conf');
    const lines = [
      ...[`port ${port}`, 'bind 127.0.0.1', `dir ${folder.path}`],
      `sentinel monitor main 127.0.0.1 ${masterPort} 1`,
      ...['sentinel down-after-milliseconds main 1000', 'sentinel failover-timeout main 5000'],
      ...settings,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return new RedisSentinel(folder, port, file);
  }

  async stop(): Promise<void> {
    await kill(this.#process);
    this.#forget();
    this.#folder.remove();
  }
}
