import {
  and,
  arrayContains,
  asc,
  count,
  desc,
  eq,
  isNotNull,
  isNull,
  lt,
  max,
  min,
  ne,
  sql,
} from 'drizzle-orm';
import type { z } from 'zod';
import {
  entitlements,
  events,
  metricCatalog,
  qualityNotes,
  qualityRules,
  quarantine,
  requests,
  revisions,
  tagCatalog,
} from '../../../store/schema/index.ts';
import type { Reading } from '../reading.ts';
import type * as schemas from '../schemas/index.ts';
import { aboutCells, all, holds, instant, pageOf, utc, utcOrNull, where, within } from './sql.ts';

/** Lists of what happened and of what is wrong: the newest first, a page at a time. */

type Query<Schema extends z.ZodType> = z.output<Schema>;

export async function readRequests(reading: Reading, query: Query<typeof schemas.requestsQuery>) {
  const { granularity, token, from, to, outcome, lane, cursor, limit } = query;
  const rows = await reading.run('api requests', (db) =>
    db
      .select({
        id: requests.id,
        at: utc(requests.sentAt),
        what: requests.what,
        lane: requests.lane,
        granularity: requests.granularity,
        from: utcOrNull(requests.windowsFrom),
        to: utcOrNull(requests.windowsTo),
        tokens: sql<string[]>`${requests.tokens}[1:200]`,
        metrics: sql<string[]>`${requests.metrics}[1:50]`,
        outcome: requests.outcome,
        code: requests.code,
        records: requests.records,
        rowsWritten: requests.rowsWritten,
        milliseconds: requests.milliseconds,
        message: requests.message,
      })
      .from(requests)
      .where(
        and(
          where(cursor, (id) => lt(requests.id, id)),
          holds(requests.granularity, granularity),
          where(token, (each) => arrayContains(requests.tokens, [each])),
          within(requests.sentAt, from, to),
          holds(requests.lane, lane),
          where(outcome, (each) =>
            each === 'failed' ? ne(requests.outcome, 'answered') : eq(requests.outcome, each),
          ),
        ),
      )
      .orderBy(desc(requests.id))
      .limit(limit + 1),
  );
  return pageOf(rows, limit, ({ id }) => id);
}

/** What happened, the newest first. */
export async function readEventPage(reading: Reading, query: Query<typeof schemas.eventsQuery>) {
  const { granularity, from, to, kind, open, cursor = 0, limit } = query;
  const rows = await reading.run('api events', (db) =>
    db
      .select({
        id: events.id,
        at: utc(events.at),
        until: utc(events.until),
        isOpen: events.isOpen,
        kind: events.kind,
        granularity: events.granularity,
        subject: events.subject,
        message: events.message,
        times: events.times,
      })
      .from(events)
      .where(
        and(
          holds(events.granularity, granularity),
          holds(events.kind, kind),
          where(from, (since) => sql`(${events.until} >= ${instant(since)} or ${events.isOpen})`),
          where(to, (before) => sql`${events.at} < ${instant(before)}`),
          open ? eq(events.isOpen, true) : undefined,
        ),
      )
      .orderBy(desc(events.at), desc(events.id))
      .limit(limit + 1)
      .offset(cursor),
  );
  return pageOf(rows, limit, () => cursor + limit);
}

/** Kinds of failure that are listed. */
const mostKinds = 100;

export async function readFailures(reading: Reading, { hours }: Query<typeof schemas.failuresQuery>) {
  const { outcome, code, sentAt, message, id } = requests;
  const items = await reading.run('api failures', (db) =>
    db
      .select({
        outcome,
        code,
        calls: count(),
        first: utc(min(sentAt)),
        last: utc(max(sentAt)),
        message: sql<string | null>`(array_agg(${message} order by ${id} desc))[1]`,
      })
      .from(requests)
      .where(and(ne(outcome, 'answered'), sql`${sentAt} > now() - ${hours} * interval '1 hour'`))
      .groupBy(outcome, code)
      .orderBy(desc(max(sentAt)))
      .limit(mostKinds),
  );
  return { items };
}

export async function readRefusals(reading: Reading) {
  const { metric, refusedSince, lastRefusedAt } = entitlements;
  const items = await reading.run('api refusals', (db) =>
    db
      .select({
        code: metric,
        name: sql<string | null>`coalesce(${metricCatalog.columnName}, ${tagCatalog.name})`,
        since: utc(refusedSince),
        last: utc(lastRefusedAt),
      })
      .from(entitlements)
      .leftJoin(metricCatalog, eq(metricCatalog.code, metric))
      .leftJoin(tagCatalog, eq(tagCatalog.code, metric))
      .orderBy(asc(metric)),
  );
  return { items };
}

/** Characters of a raw form that a list shows. */
const shownRaw = 500;

export async function readQuarantinePage(reading: Reading, query: Query<typeof schemas.quarantineQuery>) {
  const { granularity, token, from, to, reason, resolved, cursor, limit } = query;
  const rows = await reading.run('api quarantine', (db) =>
    db
      .select({
        id: quarantine.id,
        granularity: quarantine.granularity,
        token: quarantine.token,
        time: utcOrNull(quarantine.time),
        metric: quarantine.metric,
        reason: quarantine.reason,
        raw: sql<string>`left(${quarantine.raw}, ${shownRaw})`,
        timesSeen: quarantine.timesSeen,
        firstSeenAt: utc(quarantine.firstSeenAt),
        lastSeenAt: utc(quarantine.lastSeenAt),
        resolution: quarantine.resolution,
      })
      .from(quarantine)
      .where(
        and(
          resolved ? undefined : isNull(quarantine.resolution),
          where(cursor, (id) => lt(quarantine.id, id)),
          aboutCells(quarantine, { granularity, token, from, to }),
          holds(quarantine.reason, reason),
        ),
      )
      .orderBy(desc(quarantine.id))
      .limit(limit + 1),
  );
  return pageOf(rows, limit, ({ id }) => id);
}

export async function readNotes(reading: Reading, query: Query<typeof schemas.notesQuery>) {
  const { granularity, token, from, to, note, cursor = 0, limit } = query;
  const n = qualityNotes;
  const rows = await reading.run('api notes', (db) =>
    db
      .select({
        granularity: n.granularity,
        token: n.token,
        time: utc(n.time),
        metric: n.metric,
        note: n.note,
        value: n.value,
        detail: n.detail,
        notedAt: utc(n.notedAt),
      })
      .from(n)
      .where(and(aboutCells(n, { granularity, token, from, to }), holds(n.note, note)))
      .orderBy(desc(n.notedAt), n.granularity, n.token, desc(n.time), n.metric, n.note)
      .limit(limit + 1)
      .offset(cursor),
  );
  return pageOf(rows, limit, () => cursor + limit);
}

/** Rules of the quality checks that fire on too many rows to be right, and make no notes. */
export async function readSuspendedRules(
  reading: Reading,
  { granularity, cursor = 0, limit }: Query<typeof schemas.suspendedRulesQuery>,
) {
  const rule = qualityRules;
  const rows = await reading.run('api suspended rules', (db) =>
    db
      .select({
        granularity: rule.granularity,
        metric: rule.metric,
        note: rule.note,
        share: sql<number>`${rule.rowsFound} / greatest(1, ${rule.rowsChecked})`,
        rows: rule.rowsChecked,
        since: utc(rule.suspendedSince),
        examples: sql<z.output<typeof schemas.suspendedRules>['items'][number]['examples']>`${rule.examples}`,
      })
      .from(rule)
      .where(and(isNotNull(rule.suspendedSince), holds(rule.granularity, granularity)))
      .orderBy(rule.granularity, rule.metric, rule.note)
      .limit(limit + 1)
      .offset(cursor),
  );
  return pageOf(rows, limit, () => cursor + limit);
}

/** How far each token has come, those that are late or behind first. */
export async function readFreshnessPage(reading: Reading, query: Query<typeof schemas.freshnessQuery>) {
  const { granularity, token, late, cursor = 0, limit } = query;
  const rows = await reading.query<z.output<typeof schemas.tokensFreshness>['items'][number]>(
    'api token freshness',
    sql`
      select granularity, token, ${utcOrNull(sql`newest_window`)} as newest, windows_behind::float8 as "windowsBehind",
        usual_share as "usualShare", is_late as "isLate"
      from cryptoracle.token_freshness
      where ${all([
        where(granularity, (each) => sql`granularity = ${each}`),
        where(token, (each) => sql`token = ${each}`),
        late ? sql`is_late` : undefined,
      ])}
      order by is_late desc nulls last, windows_behind * coalesce(usual_share, 0) desc nulls last, token, granularity
      limit ${limit + 1} offset ${cursor}`,
  );
  return pageOf(rows, limit, () => cursor + limit);
}

export async function readRevisions(reading: Reading, query: Query<typeof schemas.revisionsQuery>) {
  const { granularity, token, from, to, metric, cursor, limit } = query;
  const rows = await reading.run('api revisions', (db) =>
    db
      .select({
        id: revisions.id,
        granularity: revisions.granularity,
        token: revisions.token,
        time: utc(revisions.time),
        metric: revisions.metric,
        old: revisions.old,
        new: revisions.new,
        revisedAt: utc(revisions.revisedAt),
      })
      .from(revisions)
      .where(
        and(
          where(cursor, (id) => lt(revisions.id, id)),
          aboutCells(revisions, { granularity, token, from, to }),
          holds(revisions.metric, metric),
        ),
      )
      .orderBy(desc(revisions.id))
      .limit(limit + 1),
  );
  return pageOf(rows, limit, ({ id }) => id);
}

/** Gaps of a granularity, those that share a stretch and a reason in one line. */
export async function readGapPage(reading: Reading, query: Query<typeof schemas.gapsQuery>) {
  const { granularity, token, reason, cursor = 0, limit } = query;
  const rows = await reading.query<z.output<typeof schemas.gap>>(
    'api gaps',
    sql`
      select token, reason, detail, array_agg(metric order by metric) as metrics,
        ${utc(sql`windows_from`)} as "from", ${utc(sql`windows_to`)} as "to", max(windows) as windows
      from cryptoracle.gaps
      where granularity = ${granularity} and ${all([
        where(token, (each) => sql`token = ${each}`),
        reason === undefined
          ? sql`reason not in ('empty at the source', 'not in this API version')`
          : sql`reason = ${reason}`,
      ])}
      group by token, reason, detail, windows_from, windows_to
      order by windows_to desc, windows_from, token, reason, detail
      limit ${limit + 1} offset ${cursor}`,
  );
  return pageOf(rows, limit, () => cursor + limit);
}
