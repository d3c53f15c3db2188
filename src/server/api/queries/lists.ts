import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { Reading } from '../reading.ts';
import type * as schemas from '../schemas/index.ts';
import { all, instant, pageOf, utc, where } from './sql.ts';

/** Lists of what happened and of what is wrong: the newest first, a page at a time. */

type Query<Schema extends z.ZodType> = z.output<Schema>;

export async function readRequests(reading: Reading, query: Query<typeof schemas.requestsQuery>) {
  const { granularity, token, from, to, outcome, lane, cursor, limit } = query;
  const rows = await reading.read<z.output<typeof schemas.request>>(
    'api requests',
    sql`
      select id::float8 as id, ${utc(sql`sent_at`)} as at, what, lane, granularity,
        ${utc(sql`windows_from`)} as "from", ${utc(sql`windows_to`)} as "to",
        tokens[1:200] as tokens, metrics[1:50] as metrics, outcome, code, records, rows_written as "rowsWritten",
        milliseconds, message
      from cryptoracle.requests
      where ${all([
        where(cursor, (id) => sql`id < ${id}`),
        where(granularity, (each) => sql`granularity = ${each}`),
        where(token, (each) => sql`${each} = any (tokens)`),
        where(from, (each) => sql`sent_at >= ${instant(each)}`),
        where(to, (each) => sql`sent_at < ${instant(each)}`),
        where(lane, (each) => sql`lane = ${each}`),
        where(outcome, (each) => (each === 'failed' ? sql`outcome <> 'answered'` : sql`outcome = ${each}`)),
      ])}
      order by id desc limit ${limit + 1}`,
  );
  return pageOf(rows, limit, ({ id }) => id);
}

export async function readFailures(reading: Reading, { hours }: Query<typeof schemas.failuresQuery>) {
  const items = await reading.read<z.output<typeof schemas.failures>['items'][number]>(
    'api failures',
    sql`
      select outcome, code, count(*)::float8 as calls, ${utc(sql`min(sent_at)`)} as first,
        ${utc(sql`max(sent_at)`)} as last, (array_agg(message order by id desc))[1] as message
      from cryptoracle.requests
      where outcome <> 'answered' and sent_at > now() - ${hours} * interval '1 hour'
      group by outcome, code order by max(sent_at) desc limit 100`,
  );
  return { items };
}

export async function readRefusals(reading: Reading) {
  const items = await reading.read<z.output<typeof schemas.refusals>['items'][number]>(
    'api refusals',
    sql`
      select e.metric as code, coalesce(m.column_name, t.name) as name, ${utc(sql`refused_since`)} as since,
        ${utc(sql`last_refused_at`)} as last
      from cryptoracle.entitlements as e
      left join cryptoracle.metric_catalog as m on m.code = e.metric
      left join cryptoracle.tag_catalog as t on t.code = e.metric
      order by e.metric`,
  );
  return { items };
}

export async function readQuarantinePage(reading: Reading, query: Query<typeof schemas.quarantineQuery>) {
  const { granularity, token, from, to, reason, resolved, cursor, limit } = query;
  const rows = await reading.read<z.output<typeof schemas.quarantineEntry>>(
    'api quarantine',
    sql`
      select id::float8 as id, granularity, token, ${utc(sql`time`)} as time, metric, reason, left(raw, 500) as raw,
        times_seen as "timesSeen", ${utc(sql`first_seen_at`)} as "firstSeenAt", ${utc(sql`last_seen_at`)} as "lastSeenAt",
        resolution
      from cryptoracle.quarantine
      where ${all([
        resolved ? undefined : sql`resolution is null`,
        where(cursor, (id) => sql`id < ${id}`),
        where(granularity, (each) => sql`granularity = ${each}`),
        where(token, (each) => sql`token = ${each}`),
        where(from, (each) => sql`time >= ${instant(each)}`),
        where(to, (each) => sql`time < ${instant(each)}`),
        where(reason, (each) => sql`reason = ${each}`),
      ])}
      order by id desc limit ${limit + 1}`,
  );
  return pageOf(rows, limit, ({ id }) => id);
}

export async function readNotes(reading: Reading, query: Query<typeof schemas.notesQuery>) {
  const { granularity, token, from, to, note, cursor = 0, limit } = query;
  const rows = await reading.read<z.output<typeof schemas.note>>(
    'api notes',
    sql`
      select granularity, token, ${utc(sql`time`)} as time, metric, note, value, detail, ${utc(sql`noted_at`)} as "notedAt"
      from cryptoracle.quality_notes
      where ${all([
        where(granularity, (each) => sql`granularity = ${each}`),
        where(token, (each) => sql`token = ${each}`),
        where(from, (each) => sql`time >= ${instant(each)}`),
        where(to, (each) => sql`time < ${instant(each)}`),
        where(note, (each) => sql`note = ${each}`),
      ])}
      order by noted_at desc, granularity, token, quality_notes.time desc, metric, note
      limit ${limit + 1} offset ${cursor}`,
  );
  return pageOf(rows, limit, () => cursor + limit);
}

export async function readRevisions(reading: Reading, query: Query<typeof schemas.revisionsQuery>) {
  const { granularity, token, from, to, metric, cursor, limit } = query;
  const rows = await reading.read<z.output<typeof schemas.revision>>(
    'api revisions',
    sql`
      select id::float8 as id, granularity, token, ${utc(sql`time`)} as time, metric, old, new,
        ${utc(sql`revised_at`)} as "revisedAt"
      from cryptoracle.revisions
      where ${all([
        where(cursor, (id) => sql`id < ${id}`),
        where(granularity, (each) => sql`granularity = ${each}`),
        where(token, (each) => sql`token = ${each}`),
        where(from, (each) => sql`time >= ${instant(each)}`),
        where(to, (each) => sql`time < ${instant(each)}`),
        where(metric, (each) => sql`metric = ${each}`),
      ])}
      order by id desc limit ${limit + 1}`,
  );
  return pageOf(rows, limit, ({ id }) => id);
}

/** Gaps of a granularity, those that share a stretch and a reason in one line. */
export async function readGapPage(reading: Reading, query: Query<typeof schemas.gapsQuery>) {
  const { granularity, token, reason, cursor = 0, limit } = query;
  const rows = await reading.read<z.output<typeof schemas.gap>>(
    'api gaps',
    sql`
      select token, reason, detail, array_agg(metric order by metric) as metrics,
        ${utc(sql`windows_from`)} as "from", ${utc(sql`windows_to`)} as "to", max(windows) as windows
      from cryptoracle.gaps
      where granularity = ${granularity} and ${all([
        where(token, (each) => sql`token = ${each}`),
        reason === undefined ? sql`reason <> 'empty at the source'` : sql`reason = ${reason}`,
      ])}
      group by token, reason, detail, windows_from, windows_to
      order by windows_to desc, windows_from, token, reason, detail
      limit ${limit + 1} offset ${cursor}`,
  );
  return pageOf(rows, limit, () => cursor + limit);
}
