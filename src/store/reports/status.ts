import { sql } from 'drizzle-orm';
import { type DayStart, type Granularity, type Token, windowLength } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import { type WantedWindows, wantedWindows } from '../../planning/plan.ts';
import { settledUntil, windowCount } from '../../planning/windows.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import type { DesiredScope } from '../ledger/desired-scope.ts';
import { type DoubtedList, readDoubtedList } from '../ledger/doubted-lists.ts';
import { type Fact, readDayStart, readFacts } from '../ledger/facts.ts';
import { noteTables } from '../ledger/retention.ts';
import { readScope, type Scope } from '../ledger/scope.ts';
import { readSuspects, type SuspectSummary } from '../ledger/suspects.ts';
import { type OpenBreaker, readBreaker } from '../limits/breaker.ts';
import type { QualityExample } from '../schema/index.ts';
import {
  coverage,
  dropped,
  entitlements,
  qualityNotes,
  qualityRules,
  quarantine,
  requests,
  revisions,
} from '../schema/index.ts';
import { inMilliseconds, metricTable, textArray, timestamptz, tstzrangeOf } from '../schema/sql.ts';
import { countedAfter, countTokens, lateAfter, type TokenCounts } from './freshness.ts';

/** How fresh and how full a granularity is. Times are milliseconds since the epoch. */
export interface GranularityStatus {
  readonly granularity: Granularity;
  /** Start of the newest window that is due; `undefined` where none is. */
  readonly newestDue: number | undefined;
  /** Start of the newest window that holds a value. */
  readonly newestStored: number | undefined;
  /** Windows between the two. */
  readonly windowsBehind: number | undefined;
  /**
   * Token × metric × window cells that are wanted, and how many of them the API has answered. Tokens that have no such
   * windows count in neither.
   */
  readonly wanted: number;
  readonly answered: number;
  /** Cells of the wanted ones that somebody has removed here, and that were not fetched again. */
  readonly dropped: number;
  /** How many tokens have a value in the newest window that was due for a while; only where it was counted. */
  readonly tokens?: TokenCounts;
  /** The tokens that have such windows, as far as anybody knows; with {@link readCurrentStatus}, as the following. */
  readonly wantedTokens?: readonly Token[];
  /** Those of them that lack a value in the newest window that is due. */
  readonly missing?: readonly Token[];
  /** When the first window became due that lacks a value of every token; only where that is {@link lateAfter} ago. */
  readonly lateSince?: Instant;
}

/** A table of what the program notes down, and how much of it there is. */
export interface NoteVolume {
  readonly table: (typeof noteTables)[number];
  readonly rows: number;
  readonly bytes: number;
  /** At the rate since the oldest row; `undefined` where that is from the last hour. */
  readonly rowsPerYear: number | undefined;
  readonly bytesPerYear: number | undefined;
}

/** A rule of the quality checks that fires on too many rows to be right, and makes no notes. */
export interface SuspendedRule {
  readonly granularity: Granularity;
  readonly metric: string;
  readonly note: string;
  /** The share of recent rows on which it fires, 0 to 1, and how many rows these are. */
  readonly share: number;
  readonly rows: number;
  /** ISO 8601 */
  readonly since: string;
  readonly examples: readonly QualityExample[];
}

export interface Status {
  readonly granularities: readonly GranularityStatus[];
  /** What the program notes down, by table. */
  readonly notes: readonly NoteVolume[];
  readonly tokens: number;
  readonly refused: readonly string[];
  /** Wanted metrics that the version of the API does not have; they are not asked for. */
  readonly notInApiVersion: readonly string[];
  /** A list of tokens that waits for further opinions; `undefined` where none does. */
  readonly doubtedList: DoubtedList | undefined;
  /** Things in quarantine that are not resolved. */
  readonly quarantined: number;
  /** Stored values that are hard to believe. */
  readonly qualityNotes: number;
  readonly suspendedRules: readonly SuspendedRule[];
  readonly revisions: number;
  /** Calls of the last 24 hours by outcome. */
  readonly calls: Readonly<Record<string, number>>;
  /** What came as nothing where something was to be expected, and is asked for again. */
  readonly suspects: readonly SuspectSummary[];
  /** What answers of the last 24 hours held and nobody keeps. */
  readonly dropped: { readonly windowsBeside: number; readonly rejects: number };
  readonly lastCall:
    | { readonly at: number; readonly outcome: string; readonly message: string | null }
    | undefined;
  /** Why and since when the API refuses access; `undefined` where it does not. */
  readonly accessRefused: OpenBreaker | undefined;
  /** When the API's day starts on the Beijing clock, and how that was found. */
  readonly dayStart: Fact<DayStart>;
  readonly databaseBytes: number;
  readonly timescale: boolean;
}

/** How fresh and how full everything is, of what the settings want as of `now`. */
export async function readCurrentStatus(
  database: Database,
  desired: DesiredScope,
  now: Instant,
): Promise<Status> {
  const range = { start: desired.historyStart, end: now };
  const dayStart = await readDayStart(database);
  const wanted = wantedWindows(
    range,
    desired.granularities,
    now,
    desired.settleDelay,
    dayStart,
    desired.keep,
  );
  const scope = await readScope(database, desired, now, wanted);
  const status = await readStatus(database, scope, wanted, now);
  return {
    ...status,
    granularities: await withTokenCounts(status.granularities, { database, scope, desired, dayStart, now }),
  };
}

interface CountContext {
  readonly database: Database;
  readonly scope: Scope;
  readonly desired: DesiredScope;
  readonly dayStart: DayStart;
  readonly now: Instant;
}

/** The same with the tokens counted that have a value, and with what is late. */
async function withTokenCounts(
  parts: readonly GranularityStatus[],
  { database, scope, desired, dayStart, now }: CountContext,
): Promise<GranularityStatus[]> {
  const { settleDelay, historyStart } = desired;
  const counted = parts.map(async (part) => {
    const { granularity, newestDue } = part;
    const wantedTokens = scope.tokensOf(granularity);
    const named = { ...part, wantedTokens, ...lateness(part, settleDelay, now) };
    if (newestDue === undefined || scope.tokens.length === 0) return named;
    const end = settledUntil(granularity, now, settleDelay + countedAfter, dayStart);
    const windows = { counted: end - windowLength[granularity], newest: newestDue };
    const { missing, ...tokens } = await countTokens(database, granularity, windows, {
      all: scope.tokens,
      expected: wantedTokens,
    });
    return { ...named, missing, ...(windows.counted >= historyStart && { tokens }) };
  });
  return Promise.all(counted);
}

function lateness(
  { granularity, newestStored, windowsBehind = 0 }: GranularityStatus,
  settleDelay: Milliseconds,
  now: Instant,
): Pick<GranularityStatus, 'lateSince'> {
  if (newestStored === undefined || windowsBehind === 0) return {};
  const lateSince = newestStored + 2 * windowLength[granularity] + settleDelay;
  return now - lateSince >= lateAfter ? { lateSince } : {};
}

/** The share of the wanted cells that has been answered, 0 to 1; `undefined` where nothing is wanted. */
export function completeness({
  answered,
  wanted,
}: Pick<GranularityStatus, 'answered' | 'wanted'>): number | undefined {
  return wanted === 0 ? undefined : answered / wanted;
}

/** The form for programs, of `status --json` and of the server: instants in ISO 8601 (UTC), `null` for what is not. */
export function statusToJson(status: Status): object {
  const iso = (instant: number | undefined) =>
    instant === undefined ? null : new Date(instant).toISOString();
  return {
    ...status,
    granularities: status.granularities.map(({ wantedTokens: _, ...part }) => ({
      ...part,
      newestDue: iso(part.newestDue),
      newestStored: iso(part.newestStored),
      windowsBehind: part.windowsBehind ?? null,
      lateSince: iso(part.lateSince),
      completeness: completeness(part) ?? null,
      tokens:
        part.tokens === undefined
          ? null
          : { ...part.tokens, window: iso(part.tokens.window), usual: part.tokens.usual ?? null },
    })),
    notes: status.notes.map((each) => ({
      ...each,
      rowsPerYear: each.rowsPerYear ?? null,
      bytesPerYear: each.bytesPerYear ?? null,
    })),
    dayStart: { ...status.dayStart, since: iso(status.dayStart.since) },
    suspects: status.suspects.map((each) => ({ ...each, since: iso(each.since), askAt: iso(each.askAt) })),
    doubtedList:
      status.doubtedList === undefined
        ? null
        : {
            ...status.doubtedList,
            since: iso(status.doubtedList.since),
            askAt: iso(status.doubtedList.askAt),
          },
    lastCall: status.lastCall === undefined ? null : { ...status.lastCall, at: iso(status.lastCall.at) },
    accessRefused:
      status.accessRefused === undefined
        ? null
        : {
            ...status.accessRefused,
            openedAt: iso(status.accessRefused.openedAt),
            probeAt: iso(status.accessRefused.probeAt),
          },
  };
}

export async function readStatus(
  database: Database,
  scope: Scope,
  wanted: WantedWindows,
  now: Instant,
): Promise<Status> {
  const [granularities, notes, suspects, totals] = await Promise.all([
    Promise.all(
      [...wanted].map(([granularity, interval]) => readGranularity(database, scope, granularity, interval)),
    ),
    readNoteVolumes(database, now),
    readSuspects(database, { tokens: scope.tokens, windows: wanted }),
    readTotals(database, scope, now),
  ]);
  return { granularities, notes, suspects, ...totals };
}

async function readGranularity(
  database: Database,
  scope: Scope,
  granularity: Granularity,
  interval: Interval,
): Promise<GranularityStatus> {
  const windows = windowCount(granularity, interval);
  const tokens = scope.tokensOf(granularity);
  const [row] = await database.query<{ newest: number | null; answered: number | null; dropped: number }>(
    'status of granularity',
    sql`
        select
          (select (extract(epoch from max(time)) * 1000)::float8
           from ${metricTable(granularity)}) as newest,
          (select sum(extract(epoch from upper(part) - lower(part)) * 1000)::float8
           from ${coverage}, unnest(
             answered * tstzmultirange(
               ${tstzrangeOf(interval)}
             )
           ) as part
           where granularity = ${granularity}
             and token = any (${textArray(tokens)})
             and metric = any (${textArray(scope.metrics)})) as answered,
          (select coalesce(sum(extract(epoch from upper(part) - lower(part)) * 1000), 0)::float8
           from ${dropped} as d
           left join ${coverage} as c using (granularity, token, metric)
           cross join lateral unnest(
             d.windows * tstzmultirange(
               ${tstzrangeOf(interval)}
             ) - coalesce(c.answered, '{}')
           ) as part
           where granularity = ${granularity} and token = any (${textArray(tokens)})
             and metric = any (${textArray(scope.metrics)})) as dropped`,
  );
  const length = windowLength[granularity];
  const newestDue = windows > 0 ? interval.end - length : undefined;
  const newestStored = row?.newest ?? undefined;
  return {
    granularity,
    newestDue,
    newestStored,
    windowsBehind:
      newestDue === undefined || newestStored === undefined
        ? undefined
        : Math.max(0, (newestDue - newestStored) / length),
    wanted: windows * tokens.length * scope.metrics.length,
    answered: Math.round((row?.answered ?? 0) / length),
    dropped: Math.round((row?.dropped ?? 0) / length),
  };
}

async function readTotals(
  database: Database,
  scope: Scope,
  now: Instant,
): Promise<Omit<Status, 'granularities' | 'notes' | 'suspects'>> {
  const [totals] = await database.query<{
    refused: string[];
    quarantined: number;
    notes: number;
    suspended: SuspendedRule[];
    revisions: number;
    calls: Record<string, number>;
    dropped: { windowsBeside: number; rejects: number };
    last: { at: number; outcome: string; message: string | null } | null;
    bytes: number;
    timescale: boolean;
  }>(
    'status',
    sql`
      select
        (select coalesce(array_agg(metric order by metric), '{}') from ${entitlements}) as refused,
        (select count(*) from ${quarantine} where resolution is null)::float8 as quarantined,
        (select count(*) from ${qualityNotes})::float8 as notes,
        (select coalesce(jsonb_agg(jsonb_build_object(
             'granularity', granularity, 'metric', metric, 'note', note, 'share', rows_found / rows_checked,
             'rows', rows_checked, 'since', to_jsonb(suspended_since), 'examples', examples
           ) order by granularity, metric, note), '[]')
         from ${qualityRules} where suspended_since is not null) as suspended,
        (select count(*) from ${revisions})::float8 as revisions,
        (select coalesce(jsonb_object_agg(outcome, calls), '{}') from (
           select outcome, count(*) as calls from ${requests}
           where sent_at > ${timestamptz(now - 86_400_000)} group by outcome
         ) as by_outcome) as calls,
        (select jsonb_build_object(
           'windowsBeside', coalesce(sum(windows_beside), 0), 'rejects', coalesce(sum(rejects_dropped), 0))
         from ${requests}
         where sent_at > ${timestamptz(now - 86_400_000)}) as dropped,
        (select jsonb_build_object(
           'at', extract(epoch from sent_at) * 1000, 'outcome', outcome, 'message', message)
         from ${requests} order by id desc limit 1) as last,
        pg_database_size(current_database())::float8 as bytes,
        exists (select from pg_extension where extname = 'timescaledb') as timescale`,
  );
  return {
    tokens: scope.tokens.length,
    refused: totals?.refused ?? [],
    notInApiVersion: scope.unserved,
    quarantined: totals?.quarantined ?? 0,
    qualityNotes: totals?.notes ?? 0,
    suspendedRules: totals?.suspended ?? [],
    revisions: totals?.revisions ?? 0,
    calls: totals?.calls ?? {},
    dropped: totals?.dropped ?? { windowsBeside: 0, rejects: 0 },
    lastCall: totals?.last ?? undefined,
    accessRefused: await readBreaker(database),
    doubtedList: await readDoubtedList(database),
    dayStart: (await readFacts(database)).day_start,
    databaseBytes: totals?.bytes ?? 0,
    timescale: totals?.timescale ?? false,
  };
}

const year = 365 * 86_400_000;
const shortestSpan = 3_600_000;

/** When a row of each table was entered. */
const enteredAt: Readonly<Record<(typeof noteTables)[number], string>> = {
  requests: 'sent_at',
  revisions: 'revised_at',
  quarantine: 'first_seen_at',
  quality_notes: 'noted_at',
  events: 'at',
};

async function readNoteVolumes(database: Database, now: Instant): Promise<NoteVolume[]> {
  const parts = noteTables.map(
    (table) => sql`
      select ${sql.raw(`'${table}'::text`)} as "table", count(*)::float8 as rows,
        pg_total_relation_size(${sql.raw(`'cryptoracle.${table}'`)})::float8 as bytes,
        ${inMilliseconds(sql`min(${sql.identifier(enteredAt[table])})`)} as oldest
      from cryptoracle.${sql.identifier(table)}`,
  );
  const found = await database.query<{
    table: NoteVolume['table'];
    rows: number;
    bytes: number;
    oldest: number | null;
  }>('volume of notes', sql.join(parts, sql` union all `));
  return found.map(({ oldest, ...volume }) => {
    const span = now - (oldest ?? now);
    const perYear = (amount: number) =>
      span < shortestSpan ? undefined : Math.round((amount * year) / span);
    return { ...volume, rowsPerYear: perYear(volume.rows), bytesPerYear: perYear(volume.bytes) };
  });
}
