import { statfs } from 'node:fs/promises';
import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import { beijingDay } from '../../../beijing.ts';
import { type Granularity, windowLength } from '../../../catalog/granularities.ts';
import type { Settings } from '../../../config.ts';
import { readDesiredScope } from '../../../store/ledger/desired-scope.ts';
import { readScope } from '../../../store/ledger/scope.ts';
import { fillRate, recently } from '../../../store/reports/filling.ts';
import { usualTokens } from '../../../store/reports/freshness.ts';
import type { GranularityStatus, Status } from '../../../store/reports/status.ts';
import { requests } from '../../../store/schema/index.ts';
import { columnNames, metricTable, textArray, timestamptz } from '../../../store/schema/sql.ts';
import type { QueueCounts } from '../../sources.ts';
import type { Reading } from '../reading.ts';
import type * as schemas from '../schemas/index.ts';
import { judge } from './verdict.ts';

/** How things are at this moment. */

type Now = z.output<typeof schemas.now>;
type Freshness = z.output<typeof schemas.freshness>;

export interface NowSources {
  readonly reading: Reading;
  readonly settings: Settings;
  readonly status: () => Promise<Status>;
  /** Gives `undefined` where the queue does not answer. */
  readonly queueCounts: () => Promise<QueueCounts | undefined>;
}

const iso = (milliseconds: number | undefined) =>
  milliseconds === undefined ? null : new Date(milliseconds).toISOString();

/** Names of missing tokens that are listed. */
const mostMissing = 100;

/** @param now milliseconds since the epoch @throws where the database does not answer */
export async function readNow(sources: NowSources, now: number): Promise<Now> {
  const { reading, settings } = sources;
  const [status, queue, desired, calls] = await Promise.all([
    sources.status(),
    sources.queueCounts(),
    readDesiredScope(reading, settings),
    readCalls(reading, now),
  ]);
  const scope = await readScope(reading, desired, now);
  const parts = await Promise.all(
    status.granularities.map((part) => {
      const tokens = scope.tokensOf(part.granularity);
      return readFreshness(reading, part, tokens, desired.settleDelay);
    }),
  );
  const facts: Omit<Now, 'verdict'> = {
    at: new Date(now).toISOString(),
    granularities: parts,
    filling: fillingOf(status, calls.perSecond, now),
    budget: { perDay: settings.requestsPerDay ?? null, lanes: calls.lanes },
    calls: {
      lastDay: status.calls,
      recent: calls.recent,
      recentFailed: calls.recentFailed,
      last:
        status.lastCall === undefined
          ? null
          : { ...status.lastCall, at: new Date(status.lastCall.at).toISOString() },
    },
    access: accessOf(status),
    refused: [...status.refused],
    queue: queue === undefined ? null : mutable(queue),
    database: {
      bytes: status.databaseBytes,
      timescale: status.timescale,
      diskFreeBytes: settings.databaseUrl === undefined ? await freeOn(settings.dataDir) : null,
    },
    tokens: status.tokens,
    quarantined: status.quarantined,
    qualityNotes: status.qualityNotes,
    revisions: status.revisions,
  };
  return { ...facts, verdict: judge(facts) };
}

const mutable = (queue: QueueCounts) =>
  Object.fromEntries(Object.entries(queue).map(([name, states]) => [name, { ...states }]));

function accessOf({ accessRefused }: Status): Now['access'] {
  if (accessRefused === undefined) return null;
  const { reason, code, openedAt, probeAt } = accessRefused;
  return {
    reason,
    code,
    since: new Date(openedAt).toISOString(),
    probeAt: new Date(probeAt).toISOString(),
  };
}

async function readFreshness(
  reading: Reading,
  part: GranularityStatus,
  tokens: readonly string[],
  settleDelay: number,
): Promise<Freshness> {
  const { granularity, newestDue, newestStored, windowsBehind, wanted, answered } = part;
  const counts =
    newestDue === undefined ? undefined : await readWindow(reading, granularity, newestDue, tokens);
  return {
    granularity,
    newestDue: iso(newestDue),
    dueAt: iso(newestDue === undefined ? undefined : newestDue + windowLength[granularity] + settleDelay),
    newestStored: iso(newestStored),
    windowsBehind: windowsBehind ?? null,
    tokensWanted: tokens.length,
    tokensThere: tokens.length - (counts?.missing.length ?? 0),
    missing: counts?.missing.slice(0, mostMissing) ?? [],
    usual: counts?.usual ?? null,
    wanted,
    answered,
  };
}

/** Which of the tokens a window lacks, and how many of them usually have a value at that hour. */
async function readWindow(
  reading: Reading,
  granularity: Granularity,
  window: number,
  tokens: readonly string[],
): Promise<{ readonly missing: string[]; readonly usual: number | null } | undefined> {
  const start = timestamptz(window);
  const table = metricTable(granularity);
  const [row] = await reading.query<{ missing: string[]; usual: number | null }>(
    'api newest window',
    sql`
      select
        array(
          select token from unnest(${textArray(tokens)}) with ordinality as t (token, place)
          where not exists (select from ${table} as m where m.token = t.token and m.time = ${start})
          order by place
        ) as missing,
        ${usualTokens(granularity, start, sql`select unnest(${textArray(tokens)}) as token`)} as usual`,
  );
  return row;
}

interface Calls extends Record<string, unknown> {
  readonly lanes: { lane: string; calls: number }[];
  readonly recent: number;
  readonly recentFailed: number;
  /** Values a second that calls were about, the newest windows apart. */
  readonly perSecond: number;
}

async function readCalls(reading: Reading, now: number): Promise<Calls> {
  const { lane, sentAt, outcome } = columnNames(requests);
  const [row] = await reading.query<Calls>(
    'api calls of today',
    sql`
      with recent as (
        select * from ${requests} where ${sentAt} >= ${timestamptz(now - recently)}
      )
      select
        coalesce((select jsonb_agg(jsonb_build_object('lane', lane, 'calls', calls) order by lane) from (
          select ${lane} as lane, count(*) as calls from ${requests}
          where ${sentAt} >= ${timestamptz(beijingDay(now))} group by ${lane}
        ) as by_lane), '[]') as lanes,
        (select count(*) from recent)::float8 as recent,
        (select count(*) from recent where ${outcome} <> 'answered')::float8 as "recentFailed",
        ${fillRate(now - recently)} as "perSecond"`,
  );
  return row ?? { lanes: [], recent: 0, recentFailed: 0, perSecond: 0 };
}

function fillingOf({ granularities: parts }: Status, perSecond: number, now: number): Now['filling'] {
  const wanted = parts.reduce((sum, part) => sum + part.wanted, 0);
  const answered = parts.reduce((sum, part) => sum + part.answered, 0);
  const left = wanted - answered;
  if (left <= 0) return null;
  return {
    left,
    share: answered / wanted,
    perSecond,
    readyAt: iso(perSecond > 0 ? now + (left / perSecond) * 1000 : undefined),
  };
}

async function freeOn(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}
