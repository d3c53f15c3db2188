import type { Credentials } from './dialects/dialect.ts';

/** Takes our secrets out of what others wrote, should they echo them. */

const blot = '[redacted]';

/** The longest first: one may be the beginning of another. */
const secretsOf = (credentials: Credentials): string[] =>
  Object.values(credentials)
    .filter((secret) => secret !== '')
    .sort((a, b) => b.length - a.length);

export function withoutSecrets(text: string, credentials: Credentials): string {
  return secretsOf(credentials).reduce((rest, secret) => rest.replaceAll(secret, blot), text);
}
