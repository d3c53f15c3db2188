import { z } from 'zod';
import { columnProblem } from './columns.ts';
import { seriesCode } from './identity.ts';
import { type MetricEntry, metricKinds } from './metric.ts';
import { bundledMetrics } from './metrics.ts';
import { nearest } from './nearest.ts';
import { apiVersions } from './versions.ts';

/**
 * A user's own metrics (`CATALOGUE_FILE`), so that a code that the vendor adds needs no release of this program.
 * `docs/catalogue.md` documents the format.
 */

const line = (most: number) =>
  z
    .string('must be a text')
    .trim()
    .min(1, 'must not be empty')
    .max(most, `must have at most ${most} characters`)
    .refine((text) => !/\p{C}/u.test(text), 'must be one line of printable characters');

const bound = z.number().nullable();

const range = z
  .tuple([bound, bound], 'must be [least, most], with null for a bound that there is not')
  .refine(
    ([least, most]) => least === null || most === null || least <= most,
    'has its bounds the wrong way round',
  );

const params = z.record(
  z.string().regex(/^[A-Za-z0-9_.-]{1,40}$/, 'must be a name of letters, digits, _, . and -'),
  z.union([line(100), z.number(), z.boolean()], 'must be a text, a number, true or false'),
);

const entrySchema = z.strictObject({
  code: z
    .string('must be a text')
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/, 'must be a code such as CO-A-01-06'),
  column: z.string('must be a text').superRefine((text, context) => {
    const problem = columnProblem(text);
    if (problem !== undefined) context.addIssue(problem);
  }),
  name: line(80).optional(),
  unit: line(40).default('1'),
  kind: z.enum(metricKinds, `must be one of ${metricKinds.join(', ')}`).default('score'),
  range: range.default([null, null]),
  additive: z.boolean('must be true or false').default(false),
  description: line(500).optional(),
  versions: z
    .array(z.enum(apiVersions, `must be among ${apiVersions.join(', ')}`))
    .min(1, 'must name a version of the API')
    .default([...apiVersions]),
  params: params.default({}),
});

const fileSchema = z.union([z.array(z.unknown()), z.strictObject({ metrics: z.array(z.unknown()) })]);

/** The entries of a file, or the one thing to mend first. */
export type CatalogueFile = { readonly entries: readonly MetricEntry[] } | { readonly problem: string };

/** Reads the text of a catalogue file. Pure: whether it fits what a database holds, `migrate` tells. */
export function parseCatalogueFile(text: string): CatalogueFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return { problem: `is no JSON (${error instanceof Error ? error.message : String(error)})` };
  }
  const file = fileSchema.safeParse(content);
  if (!file.success) return { problem: 'must be a list of metrics, or {"metrics": [...]}' };
  const listed = Array.isArray(file.data) ? file.data : file.data.metrics;
  const entries: MetricEntry[] = [];
  for (const [position, item] of listed.entries()) {
    const parsed = entrySchema.safeParse(item);
    if (!parsed.success)
      return { problem: `${placeOf(item, position)}: ${describeIssue(parsed.error, item)}` };
    const entry = entryOf(parsed.data);
    const clash = clashOf(entry, entries);
    if (clash !== undefined) return { problem: `${placeOf(item, position)}: ${clash}` };
    entries.push(entry);
  }
  return { entries };
}

function placeOf(item: unknown, position: number): string {
  const code = typeof item === 'object' && item !== null && 'code' in item ? item.code : undefined;
  return typeof code === 'string'
    ? `metric ${position + 1} (${code.slice(0, 40)})`
    : `metric ${position + 1}`;
}

function describeIssue({ issues: [issue] }: z.ZodError, item: unknown): string {
  if (issue === undefined) return 'is no metric';
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const near = nearest(key, Object.keys(entrySchema.shape));
    return `unknown field '${key}'${near === undefined ? '' : `; did you mean '${near}'?`}`;
  }
  const [field] = issue.path;
  if (field === undefined) return 'must be an object with code and column';
  const isMissing = !Object.hasOwn(Object(item), field);
  return `${String(field)} ${isMissing ? 'is missing' : issue.message}`;
}

function entryOf(parsed: z.output<typeof entrySchema>): MetricEntry {
  const { code, column, name, unit, kind, additive, versions } = parsed;
  const [minimum, maximum] = parsed.range;
  return {
    ...{ code, column, unit, kind, minimum, maximum, versions, params: parsed.params },
    ...(name === undefined ? {} : { name }),
    meaning: (parsed.description ?? name ?? column.replaceAll('_', ' ')).replace(/\.$/, ''),
    summable: additive,
    averageable: kind !== 'ratio',
    acrossWindows: additive
      ? "The user's catalogue file calls it additive: the sum over windows is the value of the longer window"
      : 'Not additive: the value of a longer window is only in its own value',
  };
}

/** The clash with another metric, if any. Two series of one code differ in their parameters. */
function clashOf(
  { code, column, params: sent = {} }: MetricEntry,
  before: readonly MetricEntry[],
): string | undefined {
  const bundled: readonly MetricEntry[] = bundledMetrics;
  const sameCode = (each: MetricEntry) => seriesCode(each.code, each.params ?? {}) === seriesCode(code, sent);
  const twin = bundled.find(sameCode);
  if (twin !== undefined)
    return `this code comes with the program, as column ${twin.column}; take it out of the file`;
  if (before.some(sameCode))
    return 'the file names this code twice; other params would make it another series';
  const owner = [...bundled, ...before].find((each) => each.column === column);
  return owner === undefined
    ? undefined
    : `column ${column} belongs to ${owner.code} already; choose another name`;
}
