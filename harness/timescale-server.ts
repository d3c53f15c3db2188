import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { serverAccount } from './accounts.ts';
import { createTemporaryFolder, type TemporaryFolder } from './leftovers.ts';
import { freePort } from './servers.ts';

/** Where Debian and its kin keep PostgreSQL's versions. */
const installations = '/usr/lib/postgresql';

/** The programs of the newest PostgreSQL of this machine that has TimescaleDB; `undefined` where none has. */
export function findTimescalePrograms(): string | undefined {
  if (!existsSync(installations)) return undefined;
  const versions = readdirSync(installations).sort((a, b) => Number(b) - Number(a));
  const found = versions.find((version) => existsSync(join(installations, version, 'lib', 'timescaledb.so')));
  return found === undefined ? undefined : join(installations, found, 'bin');
}

/** A server with TimescaleDB that belongs to one run, for settings that a server has as a whole. */
export class TimescaleServer {
  readonly url: string;
  readonly #bin: string;
  readonly #folder: TemporaryFolder;

  private constructor(bin: string, folder: TemporaryFolder, port: number) {
    this.#bin = bin;
    this.#folder = folder;
    this.url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  }

  /** @param settings those that differ from a small server's */
  static async start(bin: string, settings: Readonly<Record<string, string>>): Promise<TimescaleServer> {
    const folder = createTemporaryFolder('timescale');
    const port = await freePort();
    const server = new TimescaleServer(bin, folder, port);
    const account = serverAccount();
    mkdirSync(server.#data);
    if (account !== undefined) chownSync(server.#data, account.uid, account.gid);
    server.#run(
      'initdb',
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    );
    const all = {
      ...{ port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' },
      ...{
        shared_preload_libraries: 'timescaledb',
        shared_buffers: '64MB',
        'timescaledb.telemetry_level': 'off',
      },
      ...settings,
    };
    const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`);
    server.#run('pg_ctl', 'start', '-w', '-l', join(server.#data, 'server.log'), '-o', options.join(' '));
    return server;
  }

  async stop(): Promise<void> {
    this.#run('pg_ctl', 'stop', '-w', '-m', 'immediate');
    this.#folder.remove();
  }

  get #data(): string {
    return join(this.#folder.path, 'data');
  }

  #run(program: string, ...args: readonly string[]): void {
    const { status, error } = spawnSync(join(this.#bin, program), [...args, '-D', this.#data], {
      ...serverAccount(),
      cwd: '/',
      // The server keeps what it inherits.
      stdio: 'ignore',
    });
    if (status !== 0) throw new Error(`${program} of ${this.#bin}: ${error?.message ?? `status ${status}`}`);
  }
}
