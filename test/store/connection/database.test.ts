import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { withClient } from '../../../harness/client.ts';
import { TryLaterError, UserError } from '../../../src/errors.ts';
import { openDatabase } from '../../../src/store/connection/database.ts';
import { describeOnServers, serverUrl, value } from '../../support/database.ts';

const secret = 'hunter2-is-secret';

/** The address of a server's database with some parts replaced. */
function address(base: string, changes: Partial<Pick<URL, 'password' | 'username' | 'host' | 'pathname'>>) {
  return Object.assign(new URL(base), { password: secret }, changes).href;
}

async function failureOf(url: string): Promise<unknown> {
  try {
    await (await openDatabase(url, { connections: 1 })).close();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Listens on any port; what connects is handed to `serve`. */
async function listen(serve: (socket: Socket) => void): Promise<{ host: string; server: Server }> {
  const server = createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  return { host: `127.0.0.1:${typeof at === 'object' ? at?.port : ''}`, server };
}

describeOnServers('opening a database', (kind) => {
  const base = serverUrl(kind) ?? '';

  it('succeeds where all is right', async () => {
    const database = await openDatabase(base, { connections: 1 });
    expect(await value<number>(database, 'select 1')).toBe(1);
    expect(await value<string>(database, 'show timezone')).toBe('UTC');
    await database.close();
  });

  it('says that a database is missing', async () => {
    const url = new URL(base);
    url.pathname = '/no_such_database';
    const failure = await failureOf(url.href);
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toMatch(/DATABASE_URL: there is no database 'no_such_database'/);
    if (url.password !== '') expect(inspect(failure)).not.toContain(url.password);
  });

  it('says that a user is refused, and never with which password', async () => {
    const failure = await failureOf(address(base, { username: 'no_such_user' }));
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toMatch(/DATABASE_URL: .* refuses the user 'no_such_user'/);
    expect(inspect(failure)).not.toContain(secret);
  });
});

describe('opening a database that is not there', () => {
  const base = serverUrl('plain PostgreSQL') ?? '';

  it('says that a password is wrong, and never which one', async () => {
    const username = `test_login_${randomBytes(6).toString('hex')}`;
    await withClient(base, async (client) => {
      await client.query(`create role ${username} login password 'another'`);
      try {
        const failure = await failureOf(address(base, { username }));
        expect(failure).toBeInstanceOf(UserError);
        expect(String(failure)).toMatch(/DATABASE_URL: .*password/);
        expect(inspect(failure)).not.toContain(secret);
      } finally {
        await client.query(`drop role ${username}`);
      }
    });
  });

  it('asks to try later where nothing listens', async () => {
    const { host, server } = await listen((socket) => socket.destroy());
    server.close();
    await once(server, 'close');
    const failure = await failureOf(address(base, { host }));
    expect(failure).toBeInstanceOf(TryLaterError);
    expect(String(failure)).toContain(`DATABASE_URL: no PostgreSQL answers at ${host}`);
    expect(inspect(failure)).not.toContain(secret);
  });

  it('asks to try later where connections are closed at once', async () => {
    const { host, server } = await listen((socket) => socket.destroy());
    const failure = await failureOf(address(base, { host }));
    server.close();
    expect(failure).toBeInstanceOf(TryLaterError);
    expect(String(failure)).toContain('DATABASE_URL');
    expect(inspect(failure)).not.toContain(secret);
  });

  it('says that a host is unknown', async () => {
    const failure = await failureOf(address(base, { host: 'no-such-host.invalid' }));
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toMatch(/DATABASE_URL: .*no-such-host\.invalid.* cannot be found/);
    expect(inspect(failure)).not.toContain(secret);
  });

  it.each([{ username: '%ff' }, { pathname: '/%zz' }, { pathname: '/%ff' }])(
    'says that it cannot be used, with the broken escape %j, too',
    async (broken) => {
      const failure = await failureOf(address(base, { host: 'no-such-host.invalid', ...broken }));
      expect(failure).toBeInstanceOf(UserError);
      expect(String(failure)).toMatch(/DATABASE_URL: /);
      expect(inspect(failure)).not.toContain(secret);
    },
  );
});
