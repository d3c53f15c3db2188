import { readFileSync } from 'node:fs';
import pg from 'pg';
import { parse, toClientConfig } from 'pg-connection-string';
import { innermost, UserError } from '../../errors.ts';

/** What an address says about the server, with TLS as `libpq` means it: node-postgres by itself means otherwise. */

/** The modes of `sslmode` that there are; `no-verify` is node-postgres's own name for `require`. */
const tlsModes = ['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'verify-full'] as const;

/** The authorities that Node.js trusts, with those of NODE_EXTRA_CA_CERTS; libpq's name for the system's. */
const systemAuthorities = 'system';

/** Parameters that name files, which have to be there. */
const fileParameters = ['sslrootcert', 'sslcert', 'sslkey'] as const;

/**
 * How a client connects to an address.
 *
 * - `sslmode=require` encrypts and believes any certificate; with `sslrootcert` it is `verify-ca`
 * - `verify-ca` wants a certificate of the authority in `sslrootcert`, `verify-full` one for the host's name, too
 * - `verify-full` without `sslrootcert`, or with `system`, believes the authorities that Node.js does
 *
 * @throws UserError where it cannot be read, or a parameter cannot be followed
 */
export function clientConfig(address: string): pg.ClientConfig {
  const url = new URL(address);
  const { searchParams } = url;
  const mode = searchParams.get('sslmode');
  if (mode !== null && !tlsModes.some((known) => known === mode)) {
    throw new UserError(`DATABASE_URL: sslmode is '${mode}', and none of ${tlsModes.join(', ')}`);
  }
  if (searchParams.get('sslrootcert') === systemAuthorities) searchParams.delete('sslrootcert');
  if (mode === 'verify-ca' && !searchParams.has('sslrootcert')) {
    throw new UserError('DATABASE_URL: sslmode=verify-ca needs sslrootcert, the file of the authority');
  }
  if (mode === 'no-verify') searchParams.set('sslmode', 'require');
  // Both speak TLS here; whether the server takes it is found out before (`tls.ts`).
  if (mode === 'allow') searchParams.set('sslmode', 'prefer');
  searchParams.delete('uselibpqcompat');
  requireFiles(searchParams);
  return toClientConfig(parseAddress(url.href));
}

function parseAddress(address: string): ReturnType<typeof parse> {
  try {
    return parse(address, { useLibpqCompat: true });
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new UserError("DATABASE_URL: a '%' in it begins no character; '%' itself is written %25");
  }
}

function requireFiles(parameters: URLSearchParams): void {
  for (const name of fileParameters) {
    const file = parameters.get(name);
    if (file === null) continue;
    try {
      readFileSync(file);
    } catch (error) {
      throw new UserError(`DATABASE_URL: ${name} cannot be read: ${innermost(error)}`, { cause: error });
    }
  }
}

/** The server of an address, for people: host and port, or the folder of a socket. */
export function serverOf(address: string): string {
  const { host, searchParams } = new URL(address);
  if (host !== '') return host;
  return searchParams.get('host') ?? 'this machine';
}

/**
 * The same database for another login, as psql takes it. How to be sure of the server is the login's business, too; a
 * certificate that stands for the first login is not.
 */
export function addressFor(address: string, user: string, password: string): string {
  const given = new URL(address).searchParams;
  const { host, port, database = '' } = new pg.Client(clientConfig(address));
  const isSocket = host.startsWith('/');
  const parameters = new URLSearchParams(isSocket ? { host, port: String(port) } : {});
  const mode = given.get('sslmode') ?? (/^(?:true|1)$/.test(given.get('ssl') ?? '') ? 'verify-full' : null);
  const authority = given.get('sslrootcert');
  if (mode !== null) parameters.set('sslmode', mode === 'no-verify' ? 'require' : mode);
  if (authority !== null) parameters.set('sslrootcert', authority);
  const server = isSocket ? '' : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  // libpq takes a plus sign for itself, and the slashes of a folder may stay legible.
  const asked =
    parameters.size === 0 ? '' : `?${parameters.toString().replaceAll('+', '%20').replaceAll('%2F', '/')}`;
  return `postgresql://${login}@${server}/${encodeURIComponent(database)}${asked}`;
}
