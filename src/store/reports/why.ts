import { sql } from 'drizzle-orm';
import {
  type Granularity,
  type MetricCode,
  type TagCode,
  type Token,
  windowLength,
} from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Lane } from '../../planning/lanes.ts';
import { keptFrom } from '../../planning/plan.ts';
import { windowAt } from '../../planning/windows.ts';
import type { Instant } from '../../time.ts';
import type { Reader } from '../connection/reader.ts';
import type { DesiredScope } from '../ledger/desired-scope.ts';
import { readRefusalEnds } from '../ledger/entitlements.ts';
import { readDayStart } from '../ledger/facts.ts';
import { readScope } from '../ledger/scope.ts';
import { readBreaker } from '../limits/breaker.ts';
import { qualityNotes, quarantine, requests, revisions, suspects } from '../schema/index.ts';
import { inMilliseconds, metricTable, textArray, timestamptz } from '../schema/sql.ts';
import { readEvents, type StoredEvent } from './events.ts';
import { type GapReason, gapReasons } from './gap-reasons.ts';
import { readReportedGaps } from './gaps.ts';
import { type NextStep, nextSteps, type Unwanted } from './next.ts';

/** The life of one cell, or of all metrics of a token's window: when it was due, who asked, what came of it, what comes next. */

export interface CellQuestion {
  readonly token: Token;
  readonly granularity: Granularity;
  /** Any instant within the window. */
  readonly instant: Instant;
  readonly metrics: readonly MetricCode[];
}

export interface StoredCall {
  readonly id: number;
  readonly sentAt: Instant;
  readonly lane: Lane;
  readonly outcome: string;
  readonly code: number | null;
  readonly records: number;
  readonly milliseconds: number;
  readonly message: string | null;
  /** Those of the metrics in question that it asked for. */
  readonly metrics: readonly MetricCode[];
  /** Tokens that it asked for, all in all. */
  readonly tokens: number;
}

/** One metric of the window, as it stands. */
export interface Cell {
  readonly metric: MetricCode;
  readonly column: string;
  readonly value: number | null;
  /** Since when the value, or the first one before it, is known. */
  readonly knownSince: Instant | null;
  /** Why there is no value; `null` where there is one, or none is due. */
  readonly reason: GapReason | null;
  readonly detail: string | null;
  readonly unwanted: Unwanted | null;
}

export interface CellRevision {
  readonly metric: MetricCode;
  readonly old: number | null;
  readonly new: number;
  readonly revisedAt: Instant;
}

export interface CellQuarantine {
  readonly id: number;
  readonly metric: string | null;
  readonly reason: string;
  readonly raw: string;
  readonly firstSeenAt: Instant;
  readonly timesSeen: number;
  readonly resolution: string | null;
  readonly resolvedAt: Instant | null;
}

export interface CellNote {
  readonly metric: MetricCode;
  readonly note: string;
  readonly value: number;
  readonly detail: string;
  readonly notedAt: Instant;
}

export interface CellStory {
  readonly token: Token;
  readonly granularity: Granularity;
  readonly window: Interval;
  /** When it closed and had settled. */
  readonly dueAt: Instant;
  readonly firstSeenAt: Instant | null;
  /** Whether it was loaded as history, long after it was due. */
  readonly backfilled: boolean | null;
  readonly cells: readonly Cell[];
  /** The newest calls that asked for it, oldest first, as far as the log of calls is kept. */
  readonly calls: readonly StoredCall[];
  readonly revisions: readonly CellRevision[];
  readonly quarantine: readonly CellQuarantine[];
  readonly notes: readonly CellNote[];
  /** Outages and refusals while it was due and not there. */
  readonly events: readonly StoredEvent[];
  readonly next: readonly NextStep[];
}

/** Most of each list that a story has. */
const most = 200;

export async function readStory(
  reader: Reader,
  question: CellQuestion,
  desired: DesiredScope & { readonly lookbackWindows: number },
  now: Instant,
): Promise<CellStory> {
  const { token, granularity, metrics } = question;
  const start = windowAt(granularity, question.instant, await readDayStart(reader));
  const window = { start, end: start + windowLength[granularity] };
  const dueAt = window.end + desired.settleDelay;
  const about = { token, granularity, metrics, window };
  const row = await readCells(reader, about);
  const gaps = dueAt > now ? new Map<MetricCode, Gap>() : await readGapsOf(reader, about, desired, now);
  const unwanted = await readUnwanted(reader, about, desired, now);
  const cells = row.cells.map((cell) => ({
    ...cell,
    reason: cell.value === null ? (gaps.get(cell.metric)?.reason ?? null) : null,
    detail: cell.value === null ? (gaps.get(cell.metric)?.detail ?? null) : null,
    unwanted: unwanted(cell.metric) ?? null,
  }));
  const [breaker, asks] = [await readBreaker(reader), await readAskAgain(reader, about)];
  return {
    ...{ token, granularity, window, dueAt, cells },
    ...{ firstSeenAt: row.firstSeenAt, backfilled: row.backfilled },
    calls: await readCalls(reader, about),
    revisions: await readRevisions(reader, about),
    quarantine: await readQuarantined(reader, about),
    notes: await readNotes(reader, about),
    events: await readTroubles(reader, dueAt, row.firstSeenAt ?? now),
    next: nextSteps({
      ...{
        granularity,
        window,
        dueAt,
        now,
        lookbackWindows: desired.lookbackWindows,
        probeAt: breaker?.probeAt,
      },
      cells: cells.map(({ metric, reason, unwanted: why }) => ({
        ...{ metric, reason: reason ?? undefined, unwanted: why ?? undefined, askAt: asks.get(metric) },
      })),
    }),
  };
}

interface About {
  readonly token: Token;
  readonly granularity: Granularity;
  readonly metrics: readonly MetricCode[];
  readonly window: Interval;
}

type Row<T> = T & Record<string, unknown>;

const at = ({ window }: About) => timestamptz(window.start);

async function readCells(reader: Reader, about: About) {
  const { granularity, token, metrics } = about;
  const { catalogue } = reader;
  const chosen = metrics.map((code) => catalogue.metric(code));
  const values = sql.join(
    chosen.map(({ column }) => sql`m.${sql.identifier(column)}`),
    sql`, `,
  );
  const [row] = await reader.query<
    Row<{
      seen: Instant;
      backfilled: boolean;
      values: (number | null)[];
      later: Record<string, string> | null;
    }>
  >(
    'read cells',
    sql`
      select ${inMilliseconds(sql`m.first_seen_at`)} as seen, m.backfilled, m.seen_later as later,
        array[${values}]::float8[] as values
      from ${metricTable(granularity)} as m where m.token = ${token} and m.time = ${at(about)}`,
  );
  return {
    firstSeenAt: row?.seen ?? null,
    backfilled: row?.backfilled ?? null,
    cells: chosen.map(({ code, column }, place) => {
      const value = row?.values[place] ?? null;
      const later = row?.later?.[column];
      const since = later === undefined ? (row?.seen ?? null) : Date.parse(later);
      return { metric: code, column, value, knownSince: value === null ? null : since };
    }),
  };
}

type Gap = { readonly reason: GapReason; readonly detail: string | null };

/** Why values are missing, as `gaps` says it. */
async function readGapsOf(
  reader: Reader,
  { granularity, token, metrics, window }: About,
  { apiVersion }: DesiredScope,
  now: Instant,
): Promise<ReadonlyMap<MetricCode, Gap>> {
  const cells = { granularity, tokens: [token], metrics, interval: window, apiVersion };
  const found = await readReportedGaps(reader, cells, gapReasons, now);
  return new Map(
    found.flatMap(({ metrics: codes, reason, detail }) => codes.map((code) => [code, { reason, detail }])),
  );
}

async function readUnwanted(reader: Reader, about: About, desired: DesiredScope, now: Instant) {
  const { granularity, token, window } = about;
  const { tokens } = await readScope(reader, desired, now);
  const ofWindow: Unwanted | undefined = !desired.granularities.includes(granularity)
    ? 'granularity'
    : !tokens.includes(token)
      ? 'token'
      : window.start < desired.historyStart
        ? 'before history'
        : window.start < keptFrom(desired.keep ?? {}, granularity, now)
          ? 'older than kept'
          : undefined;
  return (metric: MetricCode): Unwanted | undefined =>
    ofWindow ?? (desired.metrics.includes(metric) ? undefined : 'metric');
}

/** When what was doubted or refused is asked for again. */
async function readAskAgain(
  reader: Reader,
  about: About,
): Promise<ReadonlyMap<MetricCode | TagCode, Instant>> {
  const doubted = await reader.query<Row<{ metric: MetricCode; at: Instant }>>(
    'read ask again',
    sql`
      select metric, ${inMilliseconds(sql`max(ask_at)`)} as at from ${suspects}
      where granularity = ${about.granularity} and token = ${about.token} and windows @> ${at(about)}
      group by metric`,
  );
  const refused = await readRefusalEnds(reader);
  return new Map([...doubted.map((row) => [row.metric, row.at] as const), ...refused]);
}

async function readCalls(reader: Reader, about: About): Promise<StoredCall[]> {
  const codes = textArray(about.metrics);
  const rows = await reader.query<Row<StoredCall>>(
    'read calls of cell',
    sql`
      select id::float8 as id, ${inMilliseconds(sql`sent_at`)} as "sentAt", lane, outcome, code, records, milliseconds, message,
        (select array_agg(asked order by place) from unnest(${codes}) with ordinality as each (asked, place)
         where asked = any (metrics)) as metrics,
        cardinality(tokens) as tokens
      from ${requests}
      where what = 'values' and granularity = ${about.granularity} and windows_from <= ${at(about)}
        and windows_to > ${at(about)} and ${about.token} = any (tokens) and metrics && ${codes}
        -- A window cannot be asked for long before it ends: its index leaves out what is older.
        and sent_at >= ${timestamptz(about.window.start - 7 * 86_400_000)}
      order by id desc limit ${most}`,
  );
  return rows.reverse();
}

function readRevisions(reader: Reader, about: About): Promise<CellRevision[]> {
  return reader.query<Row<CellRevision>>(
    'read revisions of cell',
    sql`
      select metric, old, new, ${inMilliseconds(sql`revised_at`)} as "revisedAt" from ${revisions}
      where granularity = ${about.granularity} and token = ${about.token} and "time" = ${at(about)}
        and metric = any (${textArray(about.metrics)})
      order by revised_at, id limit ${most}`,
  );
}

/** What could not be stored of the cells; also what did not say which token, window or metric it is about. */
function readQuarantined(reader: Reader, about: About): Promise<CellQuarantine[]> {
  const codes = textArray(about.metrics);
  const end = timestamptz(about.window.end);
  return reader.query<Row<CellQuarantine>>(
    'read quarantine of cell',
    sql`
      select q.id::float8 as id, q.metric, q.reason, left(q.raw, 500) as raw, q.times_seen as "timesSeen",
        ${inMilliseconds(sql`q.first_seen_at`)} as "firstSeenAt", q.resolution, ${inMilliseconds(sql`q.resolved_at`)} as "resolvedAt"
      from ${quarantine} as q
      left join ${requests} as r on r.id = q.request_id
      where q.granularity = ${about.granularity}
        and (q.token = ${about.token} or (q.token is null and ${about.token} = any (r.tokens)))
        and ((q.time >= ${at(about)} and q.time < ${end})
          or (q.time is null and r.windows_from <= ${at(about)} and r.windows_to > ${at(about)}))
        and (q.metric = any (${codes}) or (q.metric is null and (r.id is null or r.metrics && ${codes})))
      order by q.first_seen_at, q.id limit ${most}`,
  );
}

function readNotes(reader: Reader, about: About): Promise<CellNote[]> {
  return reader.query<Row<CellNote>>(
    'read notes of cell',
    sql`
      select metric, note, value, detail, ${inMilliseconds(sql`noted_at`)} as "notedAt" from ${qualityNotes}
      where granularity = ${about.granularity} and "time" = ${at(about)} and token = ${about.token}
        and metric = any (${textArray(about.metrics)})
      order by noted_at, metric, note limit ${most}`,
  );
}

const troubles = [
  'api outage',
  'database outage',
  'queue outage',
  'access refused',
  'stalled',
  'budget used up',
] as const;

/** What stood in the way between the moment at which the window was due and the one at which it was there. */
async function readTroubles(reader: Reader, dueAt: Instant, until: Instant): Promise<readonly StoredEvent[]> {
  if (until <= dueAt) return [];
  const { events } = await readEvents(reader, { kinds: troubles, since: dueAt, before: until }, most);
  return events.toReversed();
}
