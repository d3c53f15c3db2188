import { z } from 'zod';
import { parseBeijing } from '../beijing.ts';
import { isToken, type Token } from '../catalog/index.ts';

/** How the text of a setting is read. A mistake is a message that stands behind the name of the setting. */

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Far longer than any wait makes sense, and short enough for the arithmetic of dates. */
const longestDuration = 366 * durationUnits.d;

/** @returns milliseconds, or `undefined` where the text is no duration such as `90s` or `15m`. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * durationUnits[match[2] as keyof typeof durationUnits];
}

/** The items of a comma list, without blanks. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Whether a list names everything. */
export const isAll = (text: string) => text.trim().toLowerCase() === 'all';

/** Longest list whose mistakes are looked up among what was probably meant. */
const mostHinted = 100;

/** A comma list; each item is looked up, and an unknown one is an error that names it. */
export const commaList = <T>(
  all: readonly T[],
  find: (item: string) => T | undefined,
  what: string,
  nearest: (item: string) => string | undefined = () => undefined,
) =>
  z
    .string()
    .default('all')
    .transform((text, context): readonly T[] => {
      if (isAll(text)) return all;
      const items = splitList(text);
      if (items.length === 0) context.addIssue(`names no ${what}; give a comma list, or 'all'`);
      const found = items.map((item) => {
        const value = find(item);
        if (value === undefined) {
          // A list of nothing but mistakes gets no hint for each of them.
          const near = items.length <= mostHinted ? nearest(item) : undefined;
          context.addIssue(
            `unknown ${what} '${item}'${near === undefined ? '' : ` (did you mean ${near}?)`}`,
          );
        }
        return value;
      });
      return [...new Set(found.filter((value) => value !== undefined))];
    });

/** A comma list of tokens. Only the database knows which there are. */
export const tokenList = () =>
  z
    .string()
    .default('all')
    .transform((text, context): readonly Token[] | 'all' => {
      if (isAll(text)) return 'all';
      const items = splitList(text);
      if (items.length === 0) context.addIssue("names no token; give a comma list, or 'all'");
      for (const item of items) if (!isToken(item)) context.addIssue(`'${item}' is no token`);
      return [...new Set(items.filter(isToken))];
    });

/** A comma list of tokens that are none of the API's list. */
export const extraTokens = () =>
  z
    .string()
    .default('')
    .transform((text, context): readonly Token[] => {
      const items = splitList(text);
      for (const item of items) if (!isToken(item)) context.addIssue(`'${item}' is no token`);
      if (isAll(text))
        context.addIssue("'all' are the tokens that the API lists; name those that it does not");
      return [...new Set(items.filter(isToken))];
    });

export const text = () => z.string().min(1);

/** The header that carries a token has room for visible ASCII only, and ends it at a blank. */
export const bearerToken = () =>
  z
    .string()
    .min(8, 'must have at least 8 characters')
    .regex(
      /^[\x21-\x7e]*$/,
      'must be visible ASCII characters without blanks, else no header could ever match it',
    );

export const integer = (minimum: number, maximum: number) =>
  z.coerce
    .number({ error: 'is no number' })
    .int('must be a whole number')
    .min(minimum, `must be at least ${minimum}`)
    .max(maximum, `must be at most ${maximum}`);

/** A number above 0, whole or not. */
export const rate = (maximum: number) =>
  z.coerce
    .number({ error: 'is no number' })
    .positive('must be more than 0')
    .max(maximum, `must be at most ${maximum}`);

/** A duration such as `90s`; its output is milliseconds. */
export const duration = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const milliseconds = parseDuration(text);
      if (milliseconds === undefined) context.addIssue(`'${text}' is no duration such as 90s, 15m or 2h`);
      else if (milliseconds > longestDuration) context.addIssue('must be at most 366d');
      return milliseconds ?? 0;
    });

/** The shortest age is longer than any look-back; the longest does for good. */
const shortestAge = durationUnits.d;
const longestAge = 36_600 * durationUnits.d;

/** An age from which on something is not kept, such as `180d`; its output is milliseconds. */
export const age = () =>
  z.string().transform((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds === undefined) context.addIssue(`'${text}' is no age such as 180d`);
    else if (milliseconds < shortestAge) context.addIssue('must be at least 1d');
    else if (milliseconds > longestAge) context.addIssue('must be at most 36600d');
    return milliseconds ?? 0;
  });

/** {@link age} with a default. */
export const ageOr = (fallback: string) => z.string().default(fallback).pipe(age());

/** A switch: `on` or `off`. */
export const onOff = () =>
  z
    .enum(['on', 'off'])
    .default('off')
    .transform((text) => text === 'on');

/** A Beijing date; its output is milliseconds since the epoch. */
export const beijingDate = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const instant = parseBeijing(text);
      if (instant === undefined) context.addIssue(`'${text}' is no date such as 2025-01-01 (Beijing)`);
      return instant ?? 0;
    });

/** A JSON object of the given shape; a field that is left out has the shape's default. */
export const json = <Shape extends z.ZodType>(shape: Shape, example: string) =>
  z
    .string()
    .default('{}')
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue(`is no JSON such as ${example}`);
        return z.NEVER;
      }
    })
    .pipe(shape);
