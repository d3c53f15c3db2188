import { innermost, TryLaterError, UserError } from '../../errors.ts';
import { serverOf } from './address.ts';

/**
 * PostgreSQL's conditions that a repetition of the whole transaction cures: serialization, deadlock, a restart, a cut
 * connection, no free connection. See "Appendix A. PostgreSQL Error Codes".
 */
const retryableCodes: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '25P03', // idle_in_transaction_session_timeout
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '08000', // connection_exception
  '08003', // connection_does_not_exist
  '08006', // connection_failure
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
]);

/** A connection broke while it was lent; PostgreSQL has rolled back what was open, or is about to. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super('the connection to the database was lost', { cause });
  }
}

/** PostgreSQL's or the socket's code behind an error that Drizzle may have wrapped. */
export function errorCode(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && typeof current.code === 'string') return current.code;
    if (current instanceof AggregateError && current.errors.length > 0) return errorCode(current.errors[0]);
  }
  return undefined;
}

/** Whether the same transaction may succeed when it is run again. */
export function isRetryable(error: unknown): boolean {
  return error instanceof ConnectionLost || retryableCodes.has(errorCode(error) ?? '');
}

/** node-postgres reports these without a code. */
const lostForWords = /timeout exceeded when trying to connect|connection terminated|query read timeout/i;

/** The database takes no writes: it is a standby, or was made read-only, as some hosts do when the disk is full. */
const readOnly = '25006';

/**
 * Whether the database itself fails, and not the statement: it is away, takes no writes, its connections are used up,
 * its disk is full (25006 and the classes 53, 57P and 58 of PostgreSQL's codes). Then nothing else does better, and
 * waiting helps.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  const code = errorCode(error);
  if (code === undefined) return lostForWords.test(innermost(error));
  return code === readOnly || /^(?:08|53|57P|58)/.test(code) || /^E[A-Z]+$/.test(code);
}

/** OpenSSL's reasons not to believe a certificate, as Node.js names them ("TLS", X509 certificate error codes). */
const untrusted: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Says in one line why the database cannot be used; an error of any other kind is given back as it is. */
export function explainConnectionError(error: unknown, url: string, isConnecting = false): unknown {
  // An error with a better explanation comes as it is.
  if (error instanceof UserError || error instanceof TryLaterError) return error;
  const { pathname, username, searchParams } = new URL(url);
  const host = serverOf(url);
  const name = decoded(pathname.slice(1));
  const code = errorCode(error);
  switch (code) {
    case '28000':
      return new UserError(
        `DATABASE_URL: ${host} refuses the user '${decoded(username)}' here: ${innermost(error)}` +
          (searchParams.has('sslmode')
            ? ''
            : '; where it wants TLS, add ?sslmode=verify-full (see SECURITY.md)'),
      );
    case '28P01':
      return new UserError(`DATABASE_URL: ${host} refuses the user '${decoded(username)}' or its password`);
    case '3D000':
      return new UserError(`DATABASE_URL: there is no database '${name}' on ${host}; create it first`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(`DATABASE_URL: the host of ${host} cannot be found`);
    case readOnly:
      return new TryLaterError(
        `DATABASE_URL: the database '${name}' on ${host} is a standby, or takes no writes now (${innermost(error)}); ` +
          'use the primary server, or make it writable again',
      );
  }
  if (untrusted.has(code ?? '')) {
    return new UserError(
      `DATABASE_URL: the certificate of ${host} is not trusted (${innermost(error)}); ` +
        'name the file of its authority with sslrootcert, or in NODE_EXTRA_CA_CERTS',
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new UserError(
      `DATABASE_URL: the certificate of ${host} is for another name; use the host's name that it has, or sslmode=verify-ca`,
    );
  }
  const isTimeout =
    error instanceof Error && /timeout|terminated/i.test(String(error.cause ?? error.message));
  if (isRetryable(error) || (code === undefined && isTimeout)) {
    return new TryLaterError(
      `DATABASE_URL: no PostgreSQL answers at ${host} (${code ?? 'timeout'}); start it, or correct the address`,
    );
  }
  if (code === '42501') {
    return new UserError(
      `DATABASE_URL: the user '${decoded(username)}' lacks rights on '${name}' (${innermost(error)})`,
    );
  }
  // Any other obstacle to connecting lies in the address: TLS that the server does not speak, a socket's path.
  if (isConnecting) {
    return new UserError(`DATABASE_URL: cannot connect to ${host || 'the server'}: ${innermost(error)}`);
  }
  return error;
}

/** A part of an address for a person; a '%' that begins no escape stands for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
