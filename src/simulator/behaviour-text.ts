import { z } from 'zod';
import { type Behaviour, behaviourSchema } from './behaviour.ts';

/** Behaviour as it is written on a command line: `dayStart=08:00,recordUnit=row,refusedMetrics=CO-A-01-05+CO-B-01-01`. */

const fields: Readonly<Record<string, z.core.JSONSchema.JSONSchema>> = Object.fromEntries(
  Object.entries(
    z.toJSONSchema(behaviourSchema, { io: 'input', unrepresentable: 'any' }).properties ?? {},
  ).map(([name, field]) => [name, typeof field === 'object' ? field : {}]),
);

/** Every field with its values and its default, and what it means, for people. */
export function describeBehaviour(): readonly (readonly [form: string, means: string])[] {
  return Object.entries(fields).map(([name, field]) => [
    `${name}=${formOf(field)}${defaultOf(field)}`,
    field.description ?? '',
  ]);
}

function formOf({ enum: choices, type }: z.core.JSONSchema.JSONSchema): string {
  if (choices !== undefined) return choices.join('|');
  if (type === 'boolean') return 'yes|no';
  return type === 'integer' || type === 'number' ? 'N' : 'A+B';
}

function defaultOf({ default: value }: z.core.JSONSchema.JSONSchema): string {
  if (typeof value === 'boolean') return ` (${value ? 'yes' : 'no'})`;
  return typeof value === 'string' || typeof value === 'number' ? ` (${value})` : '';
}

/**
 * Reads a list of `name=value`. Items of a list are joined by `+`.
 *
 * @throws RangeError naming the part that is wrong
 */
export function parseBehaviour(text: string): Partial<Behaviour> {
  const given: Record<string, unknown> = {};
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = at === -1 ? part : part.slice(0, at).trim();
    if (at === -1) throw new RangeError(`behaviour "${part}": not name=value`);
    if (Object.hasOwn(given, name)) throw new RangeError(`behaviour "${part}": ${name} is given twice`);
    given[name] = valueOfText(name, part.slice(at + 1).trim());
  }
  return readBehaviour(given);
}

/**
 * Reads behaviour from an object, as a control file holds it.
 *
 * @returns only what was given
 * @throws RangeError naming the field that is wrong
 */
export function readBehaviour(given: unknown): Partial<Behaviour> {
  const parsed = behaviourSchema.safeParse(given);
  if (!parsed.success) throw new RangeError(parsed.error.issues.map(describeIssue).join('; '));
  const names = Object.keys(Object(given));
  return Object.fromEntries(Object.entries(parsed.data).filter(([name]) => names.includes(name)));
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `behaviour "${issue.keys.join()}" is none of ${Object.keys(fields).join(', ')}`;
  }
  return `behaviour "${issue.path.join('.')}": ${issue.message}`;
}

function valueOfText(name: string, text: string): unknown {
  const field = Object.hasOwn(fields, name) ? (fields[name] ?? {}) : {};
  if (field.type === 'boolean') {
    if (text === 'yes' || text === 'true') return true;
    return text === 'no' || text === 'false' ? false : text;
  }
  if (field.enum !== undefined || field.type === 'string') return text;
  if (/^-?\d*\.?\d+$/.test(text)) return Number(text);
  return text.split('+').filter((item) => item !== '');
}
