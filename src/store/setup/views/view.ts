import type { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { type Granularity, granularities, soundSize } from '../../../catalog/index.ts';

/** A view as people query it. Its columns stand in the order of the query's. */
export interface View {
  readonly name: string;
  readonly comment: string;
  /** Comments by column. */
  readonly columns: Readonly<Record<string, string>>;
  readonly query: string;
}

/**
 * A value that arithmetic may be done with, NULL for one that is out of all proportion: it would overflow, and the whole
 * query fail for all tokens. None is stored today, but an older version of the program, or a person, may have done so.
 */
export const sound = (value: string) =>
  `case when ${value} = 0 or abs(${value}) between ${soundSize.smallest} and ${soundSize.largest} then ${value} end`;

/**
 * One query for each granularity, as one. Where a condition names the granularity, PostgreSQL plans and reads that
 * one alone.
 */
export function eachGranularity(query: (granularity: Granularity) => string): string {
  return granularities.map(query).join('\nunion all\n');
}

/** A query as the text that a view is made of, its values as literals. */
export const textOf = (query: SQL) => new PgDialect().sqlToQuery(query.inlineParams()).sql;

/** A column's name within a statement. */
export const quoted = (column: string) => pg.escapeIdentifier(column);

/** The instant until which windows of a granularity are due: what ended before has settled. */
export const settledUntil = (granularity: Granularity) =>
  `(now() - coalesce(
    (select settle_delay from cryptoracle.wanted where granularity = '${granularity}'), interval '15 minutes'))`;

/** Whether the pipeline is to fetch the granularity; every one where it was told nothing. */
export const isGranularityWanted = (granularity: Granularity) =>
  `(exists (select from cryptoracle.wanted as told where told.granularity = '${granularity}')
    or not exists (select from cryptoracle.wanted))`;

/** The tokens that the pipeline is to fetch in a granularity, as a relation `token`: those named, or all that are listed. */
export const wantedTokens = (granularity: Granularity) =>
  `select listed.token from cryptoracle.tokens as listed
  left join cryptoracle.wanted as told on told.granularity = '${granularity}'
  where case when told.tokens is null then listed.listed else listed.token = any (told.tokens) end`;
