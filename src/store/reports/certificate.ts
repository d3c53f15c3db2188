import { createHash } from 'node:crypto';
import pg from 'pg';
import type { ApiVersion } from '../../catalog/index.ts';
import { type Granularity, granularities, type MetricCode, type Token } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { WantedWindows } from '../../planning/plan.ts';
import { windowCount } from '../../planning/windows.ts';
import type { Instant } from '../../time.ts';
import type { Connection } from '../connection/connection.ts';
import type { Database } from '../connection/database.ts';
import { type GapReason, gapReasons } from './gap-reasons.ts';
import { readReportedGaps } from './gaps.ts';

/**
 * Certificates: what is known of a range at an instant, as a hash that any machine with the same values gets. The form is
 * written down in docs/certificates.md, so that others can work it out; a change of it is a new format.
 */

export const certificateFormat = 'cryptoracle certificate 1';

/** The values that a certificate is about. */
export interface CertifiedScope {
  /** Windows that start in here; UTC. */
  readonly range: Interval;
  readonly granularities: readonly Granularity[];
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
}

/** The values of a token in the windows that start in a month (UTC). Parts without any value are left out. */
export interface CertifiedPart {
  readonly granularity: Granularity;
  readonly token: Token;
  /** `yyyy-MM` */
  readonly month: string;
  readonly values: number;
  /** SHA-256 of their canonical form, in hex. */
  readonly hash: string;
}

export interface CertifiedValues {
  readonly parts: readonly CertifiedPart[];
  readonly values: number;
  /** SHA-256 over all parts, in hex. */
  readonly hash: string;
}

/** How many of the values lie in the windows that are wanted. */
export type ValuesWanted = ReadonlyMap<Granularity, number>;

const nothingWanted: WantedWindows = new Map();

/** Codes in the order of the canonical form: that of their bytes. */
export const inCanonicalOrder = <T extends string>(texts: readonly T[]): T[] =>
  [...new Set(texts)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** The hash of all parts; pure. */
export function hashOf(metrics: readonly MetricCode[], parts: readonly CertifiedPart[]): string {
  const lines = parts.map(
    ({ granularity, token, month, values, hash }) => `${granularity} ${token} ${month} ${values} ${hash}\n`,
  );
  const head = `${certificateFormat}\nmetrics ${inCanonicalOrder(metrics).join()}\n`;
  return createHash('sha256')
    .update(head + inCanonicalOrder(lines).join(''))
    .digest('hex');
}

/** Tokens whose values are hashed by one statement: it sorts them. */
const tokensAtATime = 25;

/**
 * The values as they were known at an instant, hashed by the server; all of one state of the database.
 * @param wanted windows in which the values are counted, too
 */
export function certifyValues(
  database: Database,
  scope: CertifiedScope,
  at: Instant,
  signal: AbortSignal,
  wanted: WantedWindows = nothingWanted,
): Promise<CertifiedValues & { readonly wanted: ValuesWanted }> {
  return database.snapshot(signal, async (connection) => {
    const parts: CertifiedPart[] = [];
    const counts = new Map<Granularity, number>();
    for (const granularity of granularities.filter((each) => scope.granularities.includes(each))) {
      for (let first = 0; first < scope.tokens.length; first += tokensAtATime) {
        const tokens = scope.tokens.slice(first, first + tokensAtATime);
        const within = wanted.get(granularity) ?? { start: 0, end: 0 };
        const found = await readParts(connection, database, { ...scope, tokens }, granularity, {
          at,
          within,
        });
        for (const { wanted: number, ...part } of found) {
          parts.push({ ...part, granularity });
          counts.set(granularity, (counts.get(granularity) ?? 0) + number);
        }
      }
    }
    const values = parts.reduce((sum, part) => sum + part.values, 0);
    return { parts, values, hash: hashOf(scope.metrics, parts), wanted: counts };
  });
}

/** The bytes of a value that is not there: a quiet NaN, whatever the server's own looks like. */
const absent = "'\\x7ff8000000000000'::bytea";

type FoundPart = Omit<CertifiedPart, 'granularity'> & { readonly wanted: number };

async function readParts(
  connection: Connection,
  { catalogue }: Database,
  { range, tokens, metrics }: CertifiedScope,
  granularity: Granularity,
  { at, within }: { readonly at: Instant; readonly within: Interval },
): Promise<FoundPart[]> {
  const columns = inCanonicalOrder(metrics).map((code) => pg.escapeIdentifier(catalogue.metric(code).column));
  // Adding zero makes one of the two zeros that compare as equal.
  const bytes = columns.map((column) => `coalesce(float8send(${column} + 0::float8), ${absent})`);
  const { rows } = await connection.query<FoundPart>(
    'certify values',
    `select token, to_char("time" at time zone 'UTC', 'YYYY-MM') as month,
       sum(num_nonnulls(${columns.join(', ')}))::float8 as values,
       coalesce(sum(num_nonnulls(${columns.join(', ')})) filter (
         where "time" >= $5::timestamptz and "time" < $6::timestamptz
       ), 0)::float8 as wanted,
       encode(sha256(string_agg(
         int8send((extract(epoch from "time") * 1000)::bigint) || ${bytes.join(' || ')}, ''::bytea order by "time"
       )), 'hex') as hash
     from cryptoracle.as_of('${granularity}', $1::timestamptz)
     where token = any ($2::text[]) and "time" >= $3::timestamptz and "time" < $4::timestamptz
       and num_nonnulls(${columns.join(', ')}) > 0
     group by 1, 2 order by 1, 2`,
    [
      new Date(at).toISOString(),
      tokens,
      new Date(range.start).toISOString(),
      new Date(range.end).toISOString(),
      new Date(within.start).toISOString(),
      new Date(within.end).toISOString(),
    ],
  );
  return rows;
}

/** A reason of `gaps`, or: it came after the instant. */
export type MissingReason = GapReason | 'not known yet';

/** How full a granularity is, in cells that were due at the instant. */
export interface Completeness {
  readonly granularity: Granularity;
  readonly wanted: number;
  /** Cells with a value that was known at the instant. */
  readonly values: number;
  /** The others by reason; reasons of none are left out. */
  readonly missing: Readonly<Partial<Record<MissingReason, number>>>;
}

/**
 * Counts what is wanted of the scope, and why the rest is missing, in the words and numbers of `gaps`.
 * @param wanted windows that were due at the instant
 * @param known values in them that were known at it
 */
export async function readCompleteness(
  database: Database,
  scope: CertifiedScope & { readonly apiVersion: ApiVersion },
  wanted: WantedWindows,
  known: ValuesWanted,
  now: Instant,
): Promise<Completeness[]> {
  const { tokens, metrics, apiVersion } = scope;
  const found: Completeness[] = [];
  for (const [granularity, interval] of wanted) {
    const cells = windowCount(granularity, interval) * tokens.length * metrics.length;
    const values = known.get(granularity) ?? 0;
    const question = { granularity, tokens, metrics, interval, apiVersion };
    const gaps = cells === 0 ? [] : await readReportedGaps(database, question, gapReasons, now);
    const missing: Partial<Record<MissingReason, number>> = {};
    let rest = cells - values;
    for (const gap of gaps) {
      const count = windowCount(granularity, gap.interval) * gap.tokens.length * gap.metrics.length;
      missing[gap.reason] = (missing[gap.reason] ?? 0) + count;
      rest -= count;
    }
    if (rest > 0) missing['not known yet'] = rest;
    found.push({ granularity, wanted: cells, values, missing });
  }
  return found;
}

/** A part that is not what it was. */
export interface DifferingPart {
  readonly granularity: Granularity;
  readonly token: Token;
  readonly month: string;
  readonly what: 'changed' | 'gone' | 'new';
  readonly valuesThen: number;
  readonly valuesNow: number;
}

const keyOf = ({ granularity, token, month }: CertifiedPart) => `${granularity} ${token} ${month}`;

/** The parts in which two sets of values differ; pure. */
export function differencesOf(
  then: readonly CertifiedPart[],
  now: readonly CertifiedPart[],
): readonly DifferingPart[] {
  const [before, after] = [then, now].map((parts) => new Map(parts.map((part) => [keyOf(part), part])));
  const keys = inCanonicalOrder([...then, ...now].map(keyOf));
  return keys.flatMap((key): DifferingPart[] => {
    const [a, b] = [before?.get(key), after?.get(key)];
    const part = a ?? b;
    if (part === undefined || a?.hash === b?.hash) return [];
    const { granularity, token, month } = part;
    const what = a === undefined ? 'new' : b === undefined ? 'gone' : 'changed';
    return [{ granularity, token, month, what, valuesThen: a?.values ?? 0, valuesNow: b?.values ?? 0 }];
  });
}
