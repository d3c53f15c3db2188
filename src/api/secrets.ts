import type { Credentials } from './dialect.ts';

/** Takes our secrets out of what others wrote, should they echo them, in whatever form. */

const placeholder = '[redacted]';

type Forms = (secret: string) => readonly string[];

/** As they are, within a URL, within JSON, in base64 (its last characters depend on what follows) and in hex. */
const forms: Forms = (secret) => {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    hex,
    hex.toUpperCase(),
  ];
};

/** A secret that is shorter is looked for in words only: in data it would blot out what merely looks like it. */
const shortestInData = 8;

const known = new WeakMap<Credentials, readonly string[]>();

/** Every form of every secret, the longest first: one may be the beginning of another. */
function formsOf(credentials: Credentials): readonly string[] {
  let found = known.get(credentials);
  if (found === undefined) {
    const secrets = Object.values(credentials).filter((secret) => secret !== '');
    found = [...new Set(secrets.flatMap(forms))].sort((a, b) => b.length - a.length);
    known.set(credentials, found);
  }
  return found;
}

const redact = (text: string, found: readonly string[]) =>
  found.reduce((rest, form) => (rest.includes(form) ? rest.replaceAll(form, placeholder) : rest), text);

/** Words of the API, or of a library, without any secret. */
export function redactText(text: string, credentials: Credentials): string {
  return redact(text, formsOf(credentials));
}

/**
 * The same data with every secret blotted out, in names and in texts. Data without any are given back as they are.
 *
 * @param text the JSON that they were read from: most answers hold no secret, and are not walked through
 */
export function redactValue(value: unknown, text: string, credentials: Credentials): unknown {
  const found = formsOf(credentials).filter((form) => form.length >= shortestInData);
  // An escaped secret shows only when the text is read.
  const mayHold = text.includes('\\u') || found.some((form) => text.includes(form));
  return mayHold ? redactAll(value, found) : value;
}

/** Deeper than any answer that is read. */
const deepest = 100;

function redactAll(value: unknown, found: readonly string[], depth = 0): unknown {
  if (typeof value === 'string') return redact(value, found);
  if (typeof value !== 'object' || value === null || depth > deepest) return value;
  if (Array.isArray(value)) return value.map((item) => redactAll(item, found, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [redact(name, found), redactAll(inner, found, depth + 1)]),
  );
}
