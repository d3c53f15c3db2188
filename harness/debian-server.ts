import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { serverAccount } from './accounts.ts';
import { createTemporaryFolder, type TemporaryFolder } from './leftovers.ts';
import { freePort } from './servers.ts';

/** Where Debian and its kin keep PostgreSQL's versions. */
const installations = '/usr/lib/postgresql';

/**
 * The folder of the programs of the newest PostgreSQL of this machine, with server and client; `undefined` where there is
 * none.
 * @param library one that it must have, such as TimescaleDB's
 */
export function findPrograms(library?: 'timescaledb.so'): string | undefined {
  if (!existsSync(installations)) return undefined;
  const has = (version: string, ...path: string[]) => existsSync(join(installations, version, ...path));
  const found = readdirSync(installations)
    .sort((a, b) => Number(b) - Number(a))
    .find(
      (version) => has(version, 'bin', 'initdb') && (library === undefined || has(version, 'lib', library)),
    );
  return found === undefined ? undefined : join(installations, found, 'bin');
}

/** Settings of a server that has TimescaleDB. */
export const withTimescale = {
  shared_preload_libraries: 'timescaledb',
  'timescaledb.telemetry_level': 'off',
} as const;

/** A server of Debian's PostgreSQL that belongs to one run: a cluster without roles of ours, with settings of its own. */
export class DebianServer {
  readonly url: string;
  readonly #bin: string;
  readonly #folder: TemporaryFolder;

  private constructor(bin: string, folder: TemporaryFolder, port: number) {
    this.#bin = bin;
    this.#folder = folder;
    this.url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  }

  /**
   * @param settings those that differ from a small server's
   * @param fill makes the data folder, in a folder that the server's account may write to; by default that of a new cluster
   */
  static async start(
    bin: string,
    settings: Readonly<Record<string, string>>,
    fill?: (data: string) => void,
  ): Promise<DebianServer> {
    const folder = createTemporaryFolder('debian');
    const account = serverAccount();
    if (account !== undefined) chownSync(folder.path, account.uid, account.gid);
    const port = await freePort();
    const server = new DebianServer(bin, folder, port);
    if (fill === undefined) server.#initialise();
    else fill(server.#data);
    const all: Readonly<Record<string, string>> = {
      ...{ port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' },
      // Some packages preload TimescaleDB by themselves.
      ...{ shared_buffers: '64MB', shared_preload_libraries: '' },
      ...settings,
    };
    const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`);
    server.#run('pg_ctl', 'start', '-w', '-l', join(server.#data, 'server.log'), '-o', options.join(' '));
    return server;
  }

  /** Starts a standby that streams from a server, which goes on meanwhile. @param settings as of {@link start} */
  static standbyOf(primary: DebianServer, settings: Readonly<Record<string, string>>): Promise<DebianServer> {
    const copy = ['-d', primary.url, '--write-recovery-conf', '--checkpoint=fast', '--no-sync'];
    return DebianServer.start(primary.#bin, settings, (data) =>
      runProgram(primary.#bin, 'pg_basebackup', ...copy, '-D', data),
    );
  }

  #initialise(): void {
    const options = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
    this.#run('initdb', ...options);
  }

  async stop(): Promise<void> {
    this.#run('pg_ctl', 'stop', '-w', '-m', 'immediate');
    this.#folder.remove();
  }

  get #data(): string {
    return join(this.#folder.path, 'data');
  }

  #run(program: string, ...args: readonly string[]): void {
    runProgram(this.#bin, program, ...args, '-D', this.#data);
  }
}

function runProgram(bin: string, program: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(join(bin, program), args, {
    ...serverAccount(),
    cwd: '/',
    // The server keeps what it inherits.
    stdio: 'ignore',
  });
  if (status !== 0) throw new Error(`${program} of ${bin}: ${error?.message ?? `status ${status}`}`);
}
