import { z } from 'zod';
import { isSentinelAddress, parseSentinelAddress } from '../redis-address.ts';

/** Settings that are addresses. An address that the client behind it cannot use is refused here, where the setting can be named. */

/** @param suits whether an address that is one can be used */
const url = (protocols: RegExp, example: string, suits: (address: URL) => boolean) =>
  z
    .url({ protocol: protocols, error: `is no address such as ${example}`, abort: true })
    .refine((text) => suits(new URL(text)), `is no address such as ${example}`)
    // The last slashes begin where none is before: tried at every slash, many of them would take for ever.
    .transform((text) => text.replace(/(?<!\/)\/+$/, ''));

export const postgresUrl = () =>
  url(/^postgres(ql)?$/, 'postgresql://user:password@host:5432/name', isPostgres);

const singleRedis = url(/^rediss?$/, 'redis://host:6379/0', isRedis);

/** One server, or Sentinels that know it. */
export const redisUrl = () =>
  z.string().transform((text, context) => {
    if (isSentinelAddress(text)) {
      if (parseSentinelAddress(text) === undefined)
        context.addIssue('is no address such as redis+sentinel://host:26379,host:26379/name/0');
      return text;
    }
    const single = singleRedis.safeParse(text);
    for (const { message } of single.error?.issues ?? []) context.addIssue(message);
    return single.data ?? text;
  });

export const apiUrl = (example: string) => url(/^https?$/, example, isPlain);

/** A proxy of HTTP, with a login or none. */
export const proxyUrl = () =>
  url(/^https?$/, 'http://user:password@proxy:3128', ({ username, password }) =>
    isEscaped(username + password),
  );

/** The address of a chat for messages; it may carry a key behind a question mark. */
export const webhookUrl = () =>
  url(
    /^https?$/,
    'https://hooks.example.com/services/key',
    ({ username, password }) => username + password === '',
  );

/** `fetch` refuses a user or password, and quotes them in its error; a path is put behind the address. */
function isPlain({ username, password, href }: URL): boolean {
  return username + password === '' && !/[?#]/.test(href);
}

/** The PostgreSQL client never answers where a port that is given as a parameter is none. */
function isPostgres({ searchParams }: URL): boolean {
  return searchParams
    .getAll('port')
    .every((port) => /^\d+$/.test(port) && Number(port) > 0 && Number(port) < 65_536);
}

/** The Redis client has no error for a broken escape, nor for a database that is no number. */
function isRedis({ username, password, pathname }: URL): boolean {
  return isEscaped(username + password) && /^\/?\d*$/.test(pathname);
}

function isEscaped(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
