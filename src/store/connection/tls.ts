import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import type { Milliseconds } from '../../time.ts';
import { clientConfig } from './address.ts';
import { errorCode } from './errors.ts';

/**
 * `sslmode=prefer` and `allow` as libpq means them ("SSL Support", table "SSL Mode Descriptions"): two attempts, one with
 * TLS and one without. node-postgres makes one, so that the mode which the server takes is found out before.
 */

const withTls = 'require';
const withoutTls = 'disable';

/** How long a server may take to say whether it speaks TLS. */
const patience: Milliseconds = 10_000;

/** PostgreSQL's `invalid_authorization_specification`: no line of pg_hba.conf lets this connection in. */
const notLetIn = '28000';

/** The length of the message and its code ("Message Formats", SSLRequest). */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * Has an address with `sslmode=prefer` or `allow` say what the server takes, `require` or `disable`. Any other is given back as
 * it is, and so is one whose server does not answer: whoever connects is told why.
 */
export async function settleTls(address: string): Promise<string> {
  const mode = new URL(address).searchParams.get('sslmode');
  if (mode === 'prefer') {
    if (!(await speaksTls(address))) return inMode(address, withoutTls);
    return inMode(address, (await isKeptOut(inMode(address, withTls))) ? withoutTls : withTls);
  }
  if (mode === 'allow') {
    return inMode(address, (await isKeptOut(inMode(address, withoutTls))) ? withTls : withoutTls);
  }
  return address;
}

function inMode(address: string, mode: string): string {
  const url = new URL(address);
  url.searchParams.set('sslmode', mode);
  return url.href;
}

/** Asks the server by PostgreSQL's own first message; a server on a socket of this machine never does. */
async function speaksTls(address: string): Promise<boolean> {
  const { host, port } = new pg.Client(clientConfig(inMode(address, withTls)));
  if (host.startsWith('/')) return false;
  const socket = connect({ host, port }).on('error', () => {});
  const signal = AbortSignal.timeout(patience);
  try {
    await once(socket, 'connect', { signal });
    socket.write(sslRequest);
    const [answer] = await once(socket, 'data', { signal });
    return Buffer.isBuffer(answer) && answer.toString('latin1', 0, 1) === 'S';
  } catch {
    // Whoever connects next is told what is wrong.
    return true;
  } finally {
    socket.destroy();
  }
}

/** Whether the server refuses every login over a connection of this kind. */
async function isKeptOut(address: string): Promise<boolean> {
  const client = new pg.Client({ ...clientConfig(address), connectionTimeoutMillis: patience });
  // An error after the answer concerns nobody.
  client.on('error', () => {});
  try {
    await client.connect();
    return false;
  } catch (error) {
    return errorCode(error) === notLetIn;
  } finally {
    await client.end().catch(() => {});
  }
}
