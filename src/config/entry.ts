import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../errors.ts';

/** Ties a part of the settings to the variable of the environment that it is read from. */

export type Environment = Readonly<Record<string, string | undefined>>;

interface Origin {
  /** Name of the variable. */
  readonly name: string;
  /** A secret may also be given as a file, whose path `NAME_FILE` holds. */
  readonly isSecret: boolean;
}

const origins = z.registry<Origin>();

/** A part of the settings that is read from the variable `name`. */
export const setting = <Schema extends z.ZodType>(name: string, schema: Schema): Schema => {
  origins.add(schema, { name, isSecret: false });
  return schema;
};

/** The same for what nobody else may see. */
export const secret = <Schema extends z.ZodType>(name: string, schema: Schema): Schema => {
  origins.add(schema, { name, isSecret: true });
  return schema;
};

/** A setting, and where in the schema's output it stands. */
export interface Entry extends Origin {
  readonly path: readonly string[];
}

/** The settings of a schema. An object that is no setting itself is a group of them. */
export function entriesOf(schema: z.ZodObject, path: readonly string[] = []): Entry[] {
  return Object.entries(schema.shape).flatMap(([key, part]) => {
    const origin = part instanceof z.ZodType ? origins.get(part) : undefined;
    const place = [...path, key];
    if (origin !== undefined) return [{ ...origin, path: place }];
    return part instanceof z.ZodObject ? entriesOf(part, place) : [];
  });
}

/**
 * The text of a setting; `undefined` where it is not set. An empty variable is how compose files and shells say so.
 * @throws UserError where a secret's file cannot be read
 */
export function readEntry({ name, isSecret }: Entry, environment: Environment): string | undefined {
  const value = environment[name] ?? (isProxy(name) ? environment[name.toLowerCase()] : undefined);
  if (value !== undefined && value.trim() !== '') return value;
  return isSecret ? readSecretFile(`${name}_FILE`, environment) : undefined;
}

/** These are written small by some programs, and large by others. */
const isProxy = (name: string) => name.endsWith('_PROXY');

function readSecretFile(name: string, environment: Environment): string | undefined {
  const path = environment[name];
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new UserError(`${name}: cannot read ${path}${code}`);
  }
}

/** The object that holds each text at the path of its setting. */
export function assemble(texts: ReadonlyMap<Entry, string>): Record<string, unknown> {
  const assembled: Record<string, unknown> = {};
  for (const [{ path }, text] of texts) {
    let group = assembled;
    for (const key of path.slice(0, -1)) {
      const inner: Record<string, unknown> = Object.assign({}, group[key]);
      group[key] = inner;
      group = inner;
    }
    group[path.at(-1) ?? ''] = text;
  }
  return assembled;
}
