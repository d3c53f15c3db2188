import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../../../harness/certificates.ts';
import { withClient } from '../../../harness/client.ts';
import { PostgresServer } from '../../../harness/servers.ts';
import { UserError } from '../../../src/errors.ts';
import { openDatabase } from '../../../src/store/connection/database.ts';
import { createFolder, runCli, startCli } from '../../commands/cli.ts';

/** A server of one's own authority, as companies have it. psql is the oracle for what an address means. */

const hasPsql = spawnSync('psql', ['--version']).status === 0;

const psql = (url: string) => spawnSync('psql', ['-Atc', isEncrypted, url], { encoding: 'utf8' });

const isEncrypted = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

/** Whether the connection is encrypted, or why there is none. */
async function connect(url: string): Promise<unknown> {
  try {
    const database = await openDatabase(url, { connections: 1 });
    const { rows } = await database.pool.query<{ ssl: boolean }>(isEncrypted);
    await database.close();
    return rows[0]?.ssl;
  } catch (error) {
    return error;
  }
}

describe('a server with TLS and an authority of its own', () => {
  const folder = createFolder();
  let certificates: Certificates;
  let server: PostgresServer;
  beforeAll(async () => {
    certificates = makeCertificates('127.0.0.1');
    const { certificate, key } = certificates;
    server = await PostgresServer.start({ ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key });
  });
  afterAll(async () => {
    await server.stop();
    certificates.remove();
  });

  function address(parameters: string, host = '127.0.0.1'): string {
    const url = Object.assign(new URL(server.url), { hostname: host });
    const { authority, stranger } = certificates;
    return `${url.href}?${parameters.replace('AUTHORITY', authority).replace('STRANGER', stranger)}`;
  }

  const cases: readonly (readonly [string, string, true | RegExp])[] = [
    ['sslmode=require', '127.0.0.1', true],
    ['sslmode=require&sslrootcert=AUTHORITY', 'localhost', true],
    ['sslmode=require&sslrootcert=STRANGER', '127.0.0.1', /not trusted .*sslrootcert/],
    ['sslmode=verify-ca&sslrootcert=AUTHORITY', 'localhost', true],
    ['sslmode=verify-ca&sslrootcert=STRANGER', '127.0.0.1', /not trusted/],
    ['sslmode=verify-ca', '127.0.0.1', /verify-ca needs sslrootcert/],
    ['sslmode=verify-full&sslrootcert=AUTHORITY', '127.0.0.1', true],
    ['sslmode=verify-full&sslrootcert=AUTHORITY', 'localhost', /for another name/],
    ['sslmode=verify-full&sslrootcert=STRANGER', '127.0.0.1', /not trusted/],
    ['sslmode=verify-full', '127.0.0.1', /not trusted .*NODE_EXTRA_CA_CERTS/],
    ['sslmode=verify_full', '127.0.0.1', /sslmode is 'verify_full'/],
    ['sslmode=verify-full&sslrootcert=/no/such/file', '127.0.0.1', /sslrootcert cannot be read/],
  ];

  it.each(cases)('%s at %s', async (parameters, host, expected) => {
    const found = await connect(address(parameters, host));
    if (expected === true) expect(found).toBe(true);
    else {
      expect(found).toBeInstanceOf(UserError);
      expect(String(found)).toMatch(expected);
    }
    if (hasPsql) expect(psql(address(parameters, host)).status === 0).toBe(expected === true);
  });

  /** Has the server let in connections of one kind only, as pg_hba.conf names it, and takes that back afterwards. */
  async function whileLettingIn(kind: string, work: () => Promise<void>): Promise<void> {
    await withClient(server.url, async (client) => {
      const { rows } = await client.query<{ hba_file: string }>('show hba_file');
      const file = rows[0]?.hba_file ?? '';
      const before = readFileSync(file);
      const reload = () => client.query('select pg_reload_conf()');
      const takes = (mode: string) =>
        connect(address(`sslmode=${mode}`)).then((found) => found instanceof Error);
      writeFileSync(file, `${kind} all all 127.0.0.1/32 scram-sha-256\n`);
      await reload();
      // The server reads the file a moment later.
      await expect
        .poll(() => Promise.all(['require', 'disable'].map(takes)), { timeout: 60_000 })
        .toEqual([kind === 'hostnossl', kind === 'hostssl']);
      await work();
      writeFileSync(file, before);
      await reload();
      await expect
        .poll(() => Promise.all(['require', 'disable'].map(takes)), { timeout: 60_000 })
        .toEqual([false, false]);
    });
  }

  it.each([
    ['host', true, false],
    ['hostssl', true, true],
    ['hostnossl', false, false],
  ])(
    'is asked with and without TLS by `prefer` and `allow`, as psql does, where it lets in by %s',
    async (kind, ...expected) => {
      await whileLettingIn(kind, async () => {
        const addresses = ['prefer', 'allow'].map((mode) => address(`sslmode=${mode}`));
        expect(await Promise.all(addresses.map(connect))).toEqual(expected);
        if (!hasPsql) return;
        const said = addresses.map((each) => psql(each).stdout);
        expect(said).toEqual(expected.map((isOn) => (isOn ? 't\n' : 'f\n')));
      });
    },
  );

  it('is believed by NODE_EXTRA_CA_CERTS, too', async () => {
    const settings = { DATABASE_URL: address('sslmode=verify-full') };
    const distrusted = await runCli(folder, ['migrate'], settings);
    expect(distrusted.stderr).toContain('not trusted');
    const extra = { ...settings, NODE_EXTRA_CA_CERTS: certificates.authority };
    expect((await startCli(folder, ['migrate'], extra).ended).code).toBe(0);
  });

  it.each(['sslmode=verify-full&sslrootcert=AUTHORITY', 'sslmode=no-verify', ''])(
    '`reader create` with %j prints an address that psql takes',
    async (parameters) => {
      const name = `reader_${randomBytes(4).toString('hex')}`;
      const { stdout } = await runCli(folder, ['reader', 'create', name], {
        DATABASE_URL: address(parameters),
      });
      const [, printed = ''] = /^address: (.+)$/m.exec(stdout) ?? [];
      expect(printed).toContain(name);
      if (hasPsql) {
        const { stdout: said, stderr } = psql(printed);
        expect(stderr).toBe('');
        // Without a mode psql takes TLS where the server has it.
        expect(said).toBe('t\n');
      }
      await withClient(server.url, (client) => client.query(`drop role ${name}`));
    },
  );
});

describe('a server without TLS', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  it.each(['prefer', 'allow'])('is reached by sslmode=%s, and not by require', async (mode) => {
    expect(await connect(`${server.url}?sslmode=${mode}`)).toBe(false);
    expect(await connect(`${server.url}?sslmode=require`)).toBeInstanceOf(Error);
  });
});
