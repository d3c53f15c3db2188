import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import { beijingDay } from '../../../beijing.ts';
import { windowLength } from '../../../catalog/granularities.ts';
import type { Clock } from '../../../clock.ts';
import type { Settings } from '../../../config.ts';
import type { Reader } from '../../../store/connection/reader.ts';
import { readDesiredScope } from '../../../store/ledger/desired-scope.ts';
import { type Filling, readFilling } from '../../../store/reports/filling.ts';
import type { GranularityStatus, Status } from '../../../store/reports/status.ts';
import { freeBytesOn, readTroubleFacts } from '../../../store/reports/trouble-facts.ts';
import { troublesOf, troubleToJson, verdictOf } from '../../../store/reports/troubles.ts';
import { requests } from '../../../store/schema/index.ts';
import { columnNames, timestamptz } from '../../../store/schema/sql.ts';
import type { QueueCounts } from '../../sources.ts';
import type { Reading } from '../reading.ts';
import type * as schemas from '../schemas/index.ts';

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

/** @throws where the database does not answer */
export async function readNow(sources: NowSources, clock: Clock): Promise<Now> {
  const { reading, settings } = sources;
  const now = clock.now();
  const [status, queue] = await Promise.all([sources.status(), sources.queueCounts()]);
  const { settleDelay, lanes, seen, filling } = await reading.together(async (reader) => ({
    settleDelay: (await readDesiredScope(reader, settings)).settleDelay,
    lanes: await readLanes(reader, now),
    seen: await readTroubleFacts(reader, clock),
    filling: await readFilling(reader, status.granularities, now),
  }));
  const diskFreeBytes = settings.databaseUrl === undefined ? await freeBytesOn(settings.dataDir) : undefined;
  const queueProblem = queue === undefined ? 'the queue does not answer' : undefined;
  const troubles = troublesOf({ status, ...seen, queueProblem, diskFreeBytes });
  return {
    at: new Date(now).toISOString(),
    granularities: status.granularities.map((part) => freshnessOf(part, settleDelay)),
    verdict: verdictOf(troubles, filling, status.granularities),
    troubles: troubles.map(troubleToJson),
    filling: filling === undefined ? null : fillingToJson(filling, now),
    budget: { perDay: settings.requestsPerDay ?? null, lanes },
    calls: {
      lastDay: status.calls,
      recent: seen.recent.calls,
      recentFailed: seen.recent.failed,
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
      diskFreeBytes: diskFreeBytes ?? null,
    },
    tokens: status.tokens,
    quarantined: status.quarantined,
    qualityNotes: status.qualityNotes,
    revisions: status.revisions,
  };
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

function freshnessOf(part: GranularityStatus, settleDelay: number): Freshness {
  const { granularity, newestDue, newestStored, wanted, answered } = part;
  const { wantedTokens = [], missing = [] } = part;
  return {
    granularity,
    newestDue: iso(newestDue),
    dueAt: iso(newestDue === undefined ? undefined : newestDue + windowLength[granularity] + settleDelay),
    newestStored: iso(newestStored),
    windowsBehind: part.windowsBehind ?? null,
    isLate: part.lateSince !== undefined,
    tokensWanted: wantedTokens.length,
    tokensThere: wantedTokens.length - missing.length,
    missing: missing.slice(0, mostMissing),
    usual: part.tokens?.usual ?? null,
    wanted,
    answered,
  };
}

interface Lane extends Record<string, unknown> {
  readonly lane: string;
  readonly calls: number;
}

/** Calls of this Beijing day, by what they were for. */
function readLanes(reader: Reader, now: number): Promise<Lane[]> {
  const { lane, sentAt } = columnNames(requests);
  return reader.query<Lane>(
    'api calls of today',
    sql`
      select ${lane} as lane, count(*)::float8 as calls from ${requests}
      where ${sentAt} >= ${timestamptz(beijingDay(now))} group by ${lane} order by ${lane}`,
  );
}

function fillingToJson({ left, share, perSecond, secondsLeft }: Filling, now: number): Now['filling'] {
  const readyAt = iso(secondsLeft === undefined ? undefined : now + secondsLeft * 1000);
  return { left, share, perSecond, readyAt };
}
