import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Catalogue, granularities, isToken } from '../../catalog/index.ts';
import { innermost, UserError } from '../../errors.ts';
import {
  type CertifiedScope,
  type CertifiedValues,
  type Completeness,
  certificateFormat,
  hashOf,
} from '../../store/reports/certificate.ts';
import type { Instant } from '../../time.ts';
import { iso } from '../times.ts';

/** Certificates as files. */

export interface Certificate extends CertifiedScope, CertifiedValues {
  /** The values are those that were known at this instant. */
  readonly at: Instant;
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const instant = z.iso.datetime().transform((text): Instant => Date.parse(text));
const granularity = z.enum(granularities);
const token = z.string().refine(isToken);

const schemaFor = (catalogue: Catalogue) =>
  z.object({
    format: z.literal(certificateFormat),
    at: instant,
    from: instant,
    to: instant,
    granularities: z.array(granularity).min(1),
    tokens: z.array(token).min(1),
    metrics: z
      .array(z.string().refine((code) => catalogue.has(code), 'is no metric of the catalogue here'))
      .min(1),
    values: z.number().int(),
    hash,
    parts: z.array(
      z.object({
        granularity,
        token,
        month: z.string().regex(/^\d{4}-\d\d$/),
        values: z.number().int(),
        hash,
      }),
    ),
  });

/** The form for files and programs. */
export function certificateToJson(
  certificate: Certificate,
  completeness: readonly Completeness[],
  madeAt: Instant,
): object {
  const { at, range, granularities: chosen, tokens, metrics, values, hash: whole, parts } = certificate;
  return {
    ...{ format: certificateFormat, hash: whole, values, at: iso(at), madeAt: iso(madeAt) },
    ...{ from: iso(range.start), to: iso(range.end), granularities: chosen, tokens, metrics },
    ...{ completeness, parts },
  };
}

/** @throws UserError where there is no certificate, or where it was changed */
export async function readCertificate(path: string, catalogue: Catalogue): Promise<Certificate> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UserError(`--verify: cannot read '${path}': ${innermost(error)}`);
  }
  const { success, data, error } = schemaFor(catalogue).safeParse(parsed);
  if (!success) {
    const [issue] = error.issues;
    throw new UserError(
      `--verify: '${path}' is no certificate of this program: ${issue?.path.join('.') || 'it'}: ${issue?.message}`,
    );
  }
  const { from, to, ...rest } = data;
  const metrics = data.metrics.filter((code) => catalogue.has(code));
  if (hashOf(metrics, data.parts) !== data.hash) {
    throw new UserError(`--verify: '${path}' was changed: its hash is not that of its parts`);
  }
  return { ...rest, metrics, range: { start: from, end: to } };
}

/**
 * Writes a file; there is never half of one.
 * @throws UserError where it is there already and may not be replaced, or cannot be written
 */
export async function writeCertificate(path: string, content: object, force: boolean): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !force)
    throw new UserError(`--output: '${path}' exists already; --force replaces it`);
  if (found !== undefined && !found.isFile()) throw new UserError(`--output: '${path}' is no file`);
  const unfinished = `${path}.unfinished-${process.pid}`;
  try {
    await writeFile(unfinished, `${JSON.stringify(content, null, 1)}\n`);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw new UserError(`--output: cannot write '${path}': ${innermost(error)}`, { cause: error });
  }
}
