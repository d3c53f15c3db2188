import type { AnsweredRow, AnsweredTag, Reject } from '../../../src/api/decode.ts';
import {
  asToken,
  type BundledCode,
  type Granularity,
  type MetricCode,
  metricCodes,
  metricPosition,
  type TagCode,
} from '../../../src/catalog/index.ts';
import type { AnswerToStore } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { listedMetrics } from '../../catalog/listed-metrics.ts';
import { hour } from '../../support/clock.ts';
import { rows } from '../../support/database.ts';

/** Short ways to write answers down, and to read what became of them. */

/** 2025-06-01 00:00 in Beijing, a window start of every granularity. */
export const start = Date.UTC(2025, 4, 31, 16);

/** The column of each metric, by the list written out by hand, so that a slip in the catalogue's order shows. */
export const columnOf = Object.fromEntries(listedMetrics) as Readonly<Record<BundledCode, string>>;

/** @throws RangeError for a metric that is not bundled */
function column(code: MetricCode): string {
  const found = new Map<string, string>(Object.entries(columnOf)).get(code);
  if (found === undefined) throw new RangeError(`no column of ${code}`);
  return found;
}

export type Values = Partial<Record<MetricCode, number | null>>;

export const mentions = 'CO-A-01-05';
export const consensus = 'CO-A-02-05';

export function row(token: string, time: number, values: Values): AnsweredRow {
  const all = metricCodes.map(() => null as number | null);
  for (const code of metricCodes) all[metricPosition(code)] = values[code] ?? null;
  return { token: asToken(token), time, values: all };
}

export interface AnswerParts {
  readonly granularity?: Granularity;
  readonly tokens?: readonly string[];
  readonly metrics?: readonly MetricCode[];
  readonly tags?: readonly TagCode[];
  readonly from?: number;
  readonly to?: number;
  readonly rows?: readonly AnsweredRow[];
  readonly tagValues?: readonly AnsweredTag[];
  readonly rejects?: readonly Reject[];
  readonly receivedAt?: number;
  readonly observedFrom?: number;
  readonly log?: AnswerToStore['log'];
}

/** An answer about BTC's two hours from {@link start}, received five minutes after the second was over. */
export function answer(parts: AnswerParts): AnswerToStore {
  const from = parts.from ?? start;
  const to = parts.to ?? from + 2 * hour;
  const receivedAt = parts.receivedAt ?? to + 5 * 60_000;
  const request = {
    granularity: parts.granularity ?? '1h',
    tokens: (parts.tokens ?? ['BTC']).map(asToken),
    metrics: parts.metrics ?? metricCodes,
    tags: parts.tags ?? [],
    interval: { start: from, end: to },
  } as const;
  return {
    request,
    rows: parts.rows ?? [],
    tags: parts.tagValues ?? [],
    rejects: parts.rejects ?? [],
    receivedAt,
    observedFrom: parts.observedFrom ?? from,
    log:
      'log' in parts
        ? parts.log
        : {
            what: 'values',
            lane: 'live',
            granularity: request.granularity,
            interval: request.interval,
            tokens: request.tokens,
            metrics: [...request.metrics, ...request.tags],
            outcome: 'answered',
            code: 200,
            milliseconds: 12,
            records: 1,
            at: receivedAt,
          },
  };
}

export interface StoredRow extends Record<string, unknown> {
  readonly token: string;
  readonly time: Date;
  readonly first_seen_at: Date;
  readonly updated_at: Date;
  readonly backfilled: boolean;
}

export function storedRows(database: Database, granularity: Granularity = '1h'): Promise<StoredRow[]> {
  return rows(database, `select * from cryptoracle.metrics_${granularity} order by token, time`);
}

/** The values of a stored row by metric, without those that are NULL. */
export function valuesOf(stored: StoredRow | undefined): Values {
  const values: Values = {};
  for (const code of metricCodes) {
    const value = stored?.[column(code)];
    if (typeof value === 'number') values[code] = value;
  }
  return values;
}

export interface StoredRevision {
  readonly token: string;
  readonly time: Date;
  readonly metric: string;
  readonly old: number | null;
  readonly new: number;
  readonly revised_at: Date;
}

export function storedRevisions(database: Database): Promise<StoredRevision[]> {
  return rows(
    database,
    'select token, time, metric, old, new, revised_at from cryptoracle.revisions order by id',
  );
}

/** Empties what answers are written to. */
export async function clear(database: Database): Promise<void> {
  const tables = ['metrics_15m', 'metrics_1h', 'metrics_4h', 'metrics_1d', 'coverage', 'revisions']
    .concat(['quarantine', 'requests', 'token_tags'])
    .map((table) => `cryptoracle.${table}`);
  await database.pool.query(`truncate ${tables.join(', ')}`);
}
