import { and, type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { z } from 'zod';
import { granularities } from '../../../catalog/granularities.ts';
import { UserError } from '../../../errors.ts';
import { isFinal } from '../../../store/schema/final.ts';
import { metricCatalog, tagCatalog, tokens as tokenTable } from '../../../store/schema/index.ts';
import { metricTable } from '../../../store/schema/sql.ts';
import type { Reading } from '../reading.ts';
import type * as schemas from '../schemas/index.ts';
import { instant, pageOf, utc, where } from './sql.ts';

/** The values themselves, and what stands out among them. */

type ValuesQuery = z.output<typeof schemas.valuesQuery>;
type Values = z.output<typeof schemas.values>;

/**
 * A page of values, oldest first.
 * @throws UserError where there is no such metric
 */
export async function readValues(reading: Reading, query: ValuesQuery): Promise<Values> {
  const { cursor, limit } = query;
  const columns = await checkColumns(reading, query.metric);
  const statement = valuesStatement(query, columns);
  const rows = await reading.query<Record<string, string | number | boolean | null>>(
    'api values',
    sql`${statement} limit ${limit + 1} offset ${cursor}`,
  );
  const names = ['time', 'token', ...columns, ...(tellsFinal(query) ? ['is_final'] : [])];
  const { items, next } = pageOf(rows, limit, () => cursor + limit);
  return {
    columns: names,
    rows: items.map((row) => names.map((name) => row[name] ?? null)),
    next,
    sql: asText(query, columns),
  };
}

/** Columns by their names or by the codes of their metrics, as the database knows them. */
async function checkColumns(reading: Reading, asked: readonly string[]): Promise<string[]> {
  const { code, columnName } = metricCatalog;
  const known = await reading.run('api columns', (db) =>
    db.select({ code, column: columnName }).from(metricCatalog),
  );
  return asked.map((name) => {
    const found = known.find(({ code, column }) => name === code || name === column);
    if (found === undefined) throw new UserError(`there is no metric '${name}'`);
    return found.column;
  });
}

/** Of the past nobody knows which windows were final then. */
const tellsFinal = ({ final, asOf }: ValuesQuery) => final && asOf === undefined;

function valuesStatement(query: ValuesQuery, columns: readonly string[]): SQL {
  const { granularity, token, from, to, asOf } = query;
  const source =
    asOf === undefined ? metricTable(granularity) : sql`cryptoracle.as_of(${granularity}, ${instant(asOf)})`;
  const picked = columns.map((column) => sql`m.${sql.identifier(column)}`);
  const final = tellsFinal(query) ? [sql.raw(`${isFinal(granularity, 'm.time')} as is_final`)] : [];
  return sql`
    select ${sql.join([sql`${utc(sql`m.time`)} as time`, sql`m.token`, ...picked, ...final], sql`, `)}
    from ${source} as m
    where m.token = any (${sql.param(token)}::text[]) and m.time >= ${instant(from)} and m.time < ${instant(to)}
    order by m.time, m.token`;
}

/** The same for a person's own tool: what psql takes as it is. */
function asText(query: ValuesQuery, columns: readonly string[]): string {
  const { granularity, token, from, to, asOf } = query;
  const literal = (text: string) => sql.raw(new PgDialect().escapeString(text));
  // The view alone has is_final.
  const [source, condition] = tellsFinal(query)
    ? ['cryptoracle.metrics', `granularity = '${granularity}' and `]
    : asOf === undefined
      ? [`cryptoracle.metrics_${granularity}`, '']
      : [`cryptoracle.as_of('${granularity}', '${asOf}')`, ''];
  const names = ['time', 'token', ...columns, ...(tellsFinal(query) ? ['is_final'] : [])];
  const statement = sql`select ${sql.raw(names.join(', '))}
from ${sql.raw(source)}
where ${sql.raw(condition)}token in (${sql.join(token.map(literal), sql`, `)})
  and time >= ${literal(from)} and time < ${literal(to)}
order by time, token;`;
  return new PgDialect().sqlToQuery(statement).sql;
}

export async function readMovers(reading: Reading, query: z.output<typeof schemas.moversQuery>) {
  const { granularity, by, cursor = 0, limit } = query;
  const place = by === 'mentions' ? sql`mention_place` : sql`sentiment_place`;
  const rows = await reading.query<z.output<typeof schemas.mover>>(
    'api movers',
    sql`
      select token, ${utc(sql`time`)} as time, mention_count as mentions, mention_count_before as "mentionsBefore",
        mention_change as "mentionChange", net_sentiment as sentiment, net_sentiment_before as "sentimentBefore",
        sentiment_change as "sentimentChange"
      from cryptoracle.movers where granularity = ${granularity}
      order by ${place}, token limit ${limit + 1} offset ${cursor}`,
  );
  return pageOf(rows, limit, () => cursor + limit);
}

export async function readZscores(reading: Reading, query: z.output<typeof schemas.zscoresQuery>) {
  const { granularity, cursor = 0, limit } = query;
  const rows = await reading.query<z.output<typeof schemas.zscore>>(
    'api zscores',
    sql`
      select token, ${utc(sql`time`)} as time, net_sentiment as sentiment, mean_30d as mean, stddev_30d as deviation,
        windows_30d::float8 as windows, zscore
      from cryptoracle.sentiment_zscore where granularity = ${granularity}
      order by abs(zscore) desc nulls last, token limit ${limit + 1} offset ${cursor}`,
  );
  return pageOf(rows, limit, () => cursor + limit);
}

export async function readMetrics(reading: Reading) {
  const { code, columnName, kind, unit, minimum, maximum, meaning } = metricCatalog;
  const [metrics, tags] = await Promise.all([
    reading.run('api metrics', (db) =>
      db
        .select({ code, column: columnName, kind, unit, minimum, maximum, meaning })
        .from(metricCatalog)
        .orderBy(code),
    ),
    reading.run('api tags', (db) => db.select().from(tagCatalog).orderBy(tagCatalog.code)),
  ]);
  return { granularities: [...granularities], metrics, tags };
}

export async function readTokens(reading: Reading, query: z.output<typeof schemas.tokensQuery>) {
  const { search, listed, cursor = 0, limit } = query;
  const { token, name, position } = tokenTable;
  const rows = await reading.run('api tokens', (db) =>
    db
      .select({ token, name, listed: tokenTable.listed })
      .from(tokenTable)
      .where(
        and(
          where(listed, (each) => sql`${tokenTable.listed} = ${each}`),
          where(search, (text) => sql`strpos(lower(${token} || ' ' || ${name}), ${text.toLowerCase()}) > 0`),
        ),
      )
      .orderBy(position, token)
      .limit(limit + 1)
      .offset(cursor),
  );
  return pageOf(rows, limit, () => cursor + limit);
}

/** Metrics, and all tokens in one. */
export async function readCatalogue(reading: Reading) {
  const { token, name, listed, position } = tokenTable;
  const [metrics, tokens] = await Promise.all([
    readMetrics(reading),
    reading.run('api all tokens', (db) =>
      db.select({ token, name, listed }).from(tokenTable).orderBy(position, token),
    ),
  ]);
  return { ...metrics, tokens };
}
