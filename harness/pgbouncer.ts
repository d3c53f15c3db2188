import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverAccount } from './accounts.ts';
import { withClient } from './client.ts';
import { createTemporaryFolder, rememberProcess, type TemporaryFolder } from './leftovers.ts';
import { freePort, kill } from './servers.ts';

/** How long a pooler lends a client a session of the server. */
export const poolModes = ['session', 'transaction', 'statement'] as const;
export type PoolMode = (typeof poolModes)[number];

export interface PgBouncerOptions {
  /** Sessions that it opens for each mode. */
  readonly poolSize?: number;
}

/** PgBouncer is not installed everywhere: Debian's package is `pgbouncer`. */
export const hasPgBouncer = () => spawnSync('pgbouncer', ['--version']).status === 0;

/** A PgBouncer in front of one database, with Debian's settings besides, which offers it in each mode. */
export class PgBouncer {
  readonly #folder: TemporaryFolder;
  readonly #process: ChildProcess;
  readonly #forget: () => void;
  readonly #port: number;

  private constructor(folder: TemporaryFolder, port: number) {
    this.#folder = folder;
    this.#port = port;
    // It refuses to run as root.
    this.#process = spawn('pgbouncer', ['-q', join(folder.path, 'pgbouncer.ini')], {
      ...serverAccount(),
      cwd: '/',
      stdio: 'ignore',
    });
    this.#forget = rememberProcess(this.#process.pid);
  }

  /** @param url the database's address */
  static async start(url: string, { poolSize = 40 }: PgBouncerOptions = {}): Promise<PgBouncer> {
    const { hostname, port, username, password, pathname } = new URL(url);
    const target = `host=${hostname} port=${port} dbname=${pathname.slice(1)} user=${username} password=${password}`;
    const folder = createTemporaryFolder('pgbouncer');
    const listenPort = await freePort();
    const settings = [
      '[databases]',
      ...poolModes.map((mode) => `${mode} = ${target} pool_mode=${mode}`),
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${listenPort}`,
      'unix_socket_dir =',
      'auth_type = any',
      `default_pool_size = ${poolSize}`,
    ];
    const file = join(folder.path, 'pgbouncer.ini');
    writeFileSync(file, `${settings.join('\n')}\n`);
    chmodSync(file, 0o644);
    const pooler = new PgBouncer(folder, listenPort);
    await pooler.#isUp();
    return pooler;
  }

  address(mode: PoolMode): string {
    return `postgresql://anybody:anything@127.0.0.1:${this.#port}/${mode}`;
  }

  async stop(): Promise<void> {
    await kill(this.#process);
    this.#forget();
    this.#folder.remove();
  }

  async #isUp(): Promise<void> {
    for (let poll = 0; ; poll++) {
      try {
        return void (await withClient(this.address('session'), (client) => client.query('select')));
      } catch (error) {
        if (poll === 100) throw error;
        await sleep(50);
      }
    }
  }
}
