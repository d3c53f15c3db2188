import type { Logger } from 'pino';
import { type Granularity, granularities } from '../../catalog/index.ts';
import type { Connection } from '../connection/connection.ts';
import { errorCode } from '../connection/errors.ts';

interface ChunkRules {
  /** Time that one chunk spans: some 500,000 rows of 200 tokens, so that the newest chunk's index stays in memory. */
  readonly chunk: string;
  /** Age at which a chunk is compressed: past every look-back, since a write decompresses what it touches. */
  readonly compressAfter: string;
}

const rules: Readonly<Record<Granularity, ChunkRules>> = {
  '15m': { chunk: '30 days', compressAfter: '14 days' },
  '1h': { chunk: '90 days', compressAfter: '14 days' },
  '4h': { chunk: '360 days', compressAfter: '30 days' },
  '1d': { chunk: '720 days', compressAfter: '60 days' },
};

/**
 * Turns the metric tables into compressed hypertables where TimescaleDB is to be had; without it they stay plain tables
 * that answer the same. May be run any number of times, also after TimescaleDB was added to a database in use.
 *
 * @returns whether the tables are hypertables now
 */
export async function setUpTimescale(connection: Connection, log: Logger): Promise<boolean> {
  const { rows } = await connection.query<{ installed: boolean; loaded: boolean }>(
    'look for TimescaleDB',
    `
    select
      exists (select from pg_extension where extname = 'timescaledb') as installed,
      -- Settings of its loader are there only where the server has preloaded it; else creating it ends the connection.
      exists (select from pg_settings where name = 'timescaledb.disable_load') as loaded`,
  );
  const state = rows[0];
  if (state?.installed !== true) {
    if (state?.loaded !== true) {
      log.warn('TimescaleDB is not available here: plain tables are used, without compression');
      return false;
    }
    try {
      await connection.query('create extension', 'create extension if not exists timescaledb');
    } catch (error) {
      if (errorCode(error) !== '42501') throw error;
      log.warn(
        'this role may not create the extension timescaledb: plain tables are used, without compression',
      );
      return false;
    }
  }
  const schema = (await extensionSchema(connection)) ?? 'public';
  const mayCompress = await hasCompression(connection);
  for (const granularity of granularities) {
    await makeHypertable(connection, schema, granularity);
    if (mayCompress) await compress(connection, schema, granularity);
  }
  if (!mayCompress)
    log.warn('this TimescaleDB has the Apache licence: hypertables are used, without compression');
  return true;
}

/** The schema of the extension's functions, which need not be in the search path; quoted. `undefined` without the extension. */
export async function extensionSchema(connection: Connection): Promise<string | undefined> {
  const { rows } = await connection.query<{ name: string }>(
    'look for TimescaleDB',
    `select quote_ident(nspname) as name from pg_extension
     join pg_namespace as n on n.oid = extnamespace where extname = 'timescaledb'`,
  );
  return rows[0]?.name;
}

/** Whether the licence of TimescaleDB allows compression: the Apache licence, as of Debian or Azure, does not. */
async function hasCompression(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ license: string | null }>(
    'look for TimescaleDB',
    `select current_setting('timescaledb.license', true) as license`,
  );
  return rows[0]?.license !== 'apache';
}

const relationOf = (granularity: Granularity) => `cryptoracle.metrics_${granularity}`;

async function makeHypertable(
  connection: Connection,
  schema: string,
  granularity: Granularity,
): Promise<void> {
  const { chunk } = rules[granularity];
  await connection.query(
    'make hypertable',
    `select ${schema}.create_hypertable('${relationOf(granularity)}', ${schema}.by_range('time', interval '${chunk}'),
       create_default_indexes => false, if_not_exists => true, migrate_data => true)`,
  );
}

async function compress(connection: Connection, schema: string, granularity: Granularity): Promise<void> {
  const { compressAfter } = rules[granularity];
  const relation = relationOf(granularity);
  const { rows } = await connection.query<{ compressed: boolean }>(
    'look at hypertable',
    `select compression_enabled as compressed
     from timescaledb_information.hypertables
     where hypertable_schema = 'cryptoracle' and hypertable_name = $1`,
    [`metrics_${granularity}`],
  );
  if (rows[0]?.compressed !== true) {
    await connection.query(
      'compress hypertable',
      `alter table ${relation}
       set (timescaledb.compress, timescaledb.compress_segmentby = 'token', timescaledb.compress_orderby = 'time')`,
    );
  }
  await connection.query(
    'compress hypertable',
    `select ${schema}.add_compression_policy('${relation}', compress_after => interval '${compressAfter}', if_not_exists => true)`,
  );
}
