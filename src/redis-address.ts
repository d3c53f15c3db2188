/**
 * Addresses of a Redis. One server is a URL that the client reads itself; several Sentinels, which know the server, are no
 * URL: `redis+sentinel://user:password@host:26379,host:26379/name/0`.
 */

/** A server that Sentinels know, and fail over. */
export interface SentinelAddress {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** The name of the group of servers, `master-name` in the Sentinels' configuration. */
  readonly name: string;
  readonly database: number;
  readonly isEncrypted: boolean;
  /** Of the server. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of the Sentinels, where they want another one. */
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
}

const sentinelPort = 26_379;

// Every part excludes what ends it, so that no text takes long.
const form = /^(rediss?)\+sentinel:\/\/(?:([^@/?#]*)@)?([^@/?#]+)\/([^/?#]+)(?:\/(\d*))?(?:\?([^#]*))?$/;

export const isSentinelAddress = (address: string) => /^rediss?\+sentinel:/.test(address);

/** @returns `undefined` where the text is no such address */
export function parseSentinelAddress(address: string): SentinelAddress | undefined {
  const [, protocol, login = '', hosts = '', name = '', database = '', query = ''] = form.exec(address) ?? [];
  if (protocol === undefined) return undefined;
  const [username, password] = login.split(/:(.*)/s);
  const sentinels = hosts.split(',').map(parseHost);
  const parameters = new URLSearchParams(query);
  const parts = [name, username, password].map(decoded);
  if (parts.includes(undefined) || [...parameters.keys()].some((key) => !sentinelParameters.has(key)))
    return undefined;
  return sentinels.every((each) => each !== undefined)
    ? {
        ...{
          sentinels,
          name: parts[0] ?? '',
          database: Number(database),
          isEncrypted: protocol === 'rediss',
        },
        ...{ username: parts[1] || undefined, password: parts[2] || undefined },
        sentinelUsername: parameters.get('sentinel_username') ?? undefined,
        sentinelPassword: parameters.get('sentinel_password') ?? undefined,
      }
    : undefined;
}

const sentinelParameters: ReadonlySet<string> = new Set(['sentinel_username', 'sentinel_password']);

function parseHost(text: string): { host: string; port: number } | undefined {
  const address = `redis://${text}`;
  if (!URL.canParse(address)) return undefined;
  const { hostname, port } = new URL(address);
  if (hostname === '') return undefined;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? sentinelPort : Number(port) };
}

/** @returns `''` for what is absent, `undefined` for a broken escape */
function decoded(part: string | undefined): string | undefined {
  try {
    return decodeURIComponent(part ?? '');
  } catch {
    return undefined;
  }
}

/** The server of an address, for people: without login and password. */
export function redisServerOf(address: string): string {
  const found = parseSentinelAddress(address);
  if (found === undefined) return new URL(address).host;
  return `${found.name} of the Sentinels ${found.sentinels.map(({ host, port }) => `${host}:${port}`).join(', ')}`;
}
