import { sql } from 'drizzle-orm';
import { queueConnections } from '../../queue/backend.ts';
import { serverOf } from '../../store/connection/address.ts';
import type { Database } from '../../store/connection/database.ts';
import { hasEmbedded } from '../../store/connection/embedded/index.ts';
import { errorCode } from '../../store/connection/errors.ts';
import { remedies } from '../../store/reports/troubles.ts';
import { type SchemaState, schemaState } from '../../store/setup/migrate.ts';
import { connectionsFor, type Runtime } from '../runtime.ts';
import { type Finding, failed, failedWith, ok, skipped, warning } from './finding.ts';

/** Results that later checks may use. */
export interface FoundDatabase {
  /** `undefined` where it cannot be reached, or is not there yet. */
  readonly database: Database | undefined;
  /** Whether it has the tables that this program knows. */
  readonly isCurrent: boolean;
  /** Whether something can be written down in it: not in a standby. */
  readonly takesWrites: boolean;
}

/** Checks the database: whether it answers, how new its schema is, what this user may do. Changes nothing. */
export async function* checkDatabase(runtime: Runtime): AsyncGenerator<Finding, FoundDatabase> {
  const { databaseUrl, dataDir } = runtime.settings;
  if (databaseUrl === undefined && !hasEmbedded(dataDir)) {
    yield ok('database', `the embedded one, made in ${dataDir} at the first start`);
    for (const check of ['schema', 'rights', 'TimescaleDB']) yield skipped(check, 'there is no database yet');
    return { database: undefined, isCurrent: false, takesWrites: false };
  }
  let database: Database;
  let server: Awaited<ReturnType<typeof checkServer>>;
  try {
    database = await runtime.connectDatabase(3);
    server = await checkServer(database, runtime);
    yield server.finding;
  } catch (error) {
    yield failedWith('database', error, remedies.database);
    for (const check of ['schema', 'rights', 'TimescaleDB']) yield skipped(check, 'no database answers');
    return { database: undefined, isCurrent: false, takesWrites: false };
  }
  const state = await schemaState(database).catch((error: unknown): 'forbidden' => {
    if (errorCode(error) === '42501') return 'forbidden';
    throw error;
  });
  yield describeSchema(state);
  const isCurrent = state === 'current';
  yield isCurrent ? await checkRights(database) : skipped('rights', 'the schema comes first');
  yield await checkTimescale(database, databaseUrl === undefined);
  return { database, isCurrent, takesWrites: !server.isStandby };
}

async function checkServer(
  database: Database,
  { settings }: Runtime,
): Promise<{ readonly finding: Finding; readonly isStandby: boolean }> {
  const [row] = await database.query<{
    version: string;
    free: number;
    name: string;
    user: string;
    isStandby: boolean;
  }>(
    'look at server',
    sql`
      select pg_is_in_recovery() as "isStandby", current_setting('server_version') as version, current_database() as name, current_user as "user",
        current_setting('max_connections')::int - (select count(*)::int from pg_stat_activity) as free`,
  );
  const { version = '?', free = 0, name, user, isStandby = false } = row ?? {};
  const where =
    settings.databaseUrl === undefined ? `embedded in ${settings.dataDir}` : serverOf(database.url);
  const message = `PostgreSQL ${version.split(' ')[0]} (${where}), database ${name}, user ${user}`;
  if (isStandby) {
    const standby = `${message}: a standby, which can be read and takes no writes`;
    return { finding: failed('database', standby, "set DATABASE_URL to the primary's address"), isStandby };
  }
  const wanted = connectionsFor(settings) + (settings.redisUrl === undefined ? queueConnections : 0);
  if (free >= wanted) return { finding: ok('database', message), isStandby };
  const finding = warning(
    'database',
    `${message}; ${free} connections are free, a process takes up to ${wanted}`,
    'raise max_connections on the server, or lower FETCH_CONCURRENCY',
  );
  return { finding, isStandby };
}

function describeSchema(state: SchemaState | 'forbidden'): Finding {
  switch (state) {
    case 'current':
      return ok('schema', 'the newest');
    case 'behind':
      return warning(
        'schema',
        'older than this program, or none yet',
        'run `migrate`; the first start does it, too',
      );
    case 'unfinished':
      return warning(
        'schema',
        'the newest, but its setup was not finished: views, rights or comments may be missing',
        'run `migrate`; the first start does it, too',
      );
    case 'ahead':
      return failed('schema', 'a newer version of this program has changed it', 'update the program');
    case 'forbidden':
      return failed(
        'schema',
        'this user may not look at it',
        'grant cryptoracle_worker to it (see SECURITY.md)',
      );
  }
}

async function checkRights(database: Database): Promise<Finding> {
  const [row] = await database.query<{ user: string; mayStore: boolean; lacking: string[] }>(
    'look at rights',
    sql`
      select current_user as "user",
        (select bool_and(has_table_privilege('cryptoracle.' || name, 'insert'))
         from unnest(array['metrics_15m', 'metrics_1h', 'metrics_4h', 'metrics_1d', 'coverage', 'requests']) as name)
          as "mayStore",
        array(
          select role from (values ('cryptoracle_reader', 'select'), ('cryptoracle_worker', 'insert')) as s (role, needed)
          left join pg_roles on rolname = role
          where rolname is null or not has_table_privilege(pg_roles.oid, 'cryptoracle.metrics_1h'::regclass, needed)
            or not has_schema_privilege(pg_roles.oid, 'cryptoracle', 'usage')
          order by role) as lacking`,
  );
  const { user = '?', mayStore = false, lacking = [] } = row ?? {};
  if (!mayStore) {
    return failed(
      'rights',
      `the user ${user} may not store`,
      `as the owner: grant cryptoracle_worker to ${user}`,
    );
  }
  if (lacking.length === 0) return ok('rights', 'this user may run the pipeline');
  return warning(
    'rights',
    `this user may run the pipeline, but ${lacking.join(' and ')} lack rights here, or are missing, as after a restore`,
    'run `migrate` as the owner of the database: it makes the roles and grants them what they need',
  );
}

async function checkTimescale(database: Database, isEmbedded: boolean): Promise<Finding> {
  const check = 'TimescaleDB';
  const [row] = await database.query<{
    installed: string | null;
    available: string | null;
    license: string | null;
  }>(
    'look for TimescaleDB',
    sql`
      select current_setting('timescaledb.license', true) as license,
        (select extversion from pg_extension where extname = 'timescaledb') as installed,
        (select default_version from pg_available_extensions where name = 'timescaledb') as available`,
  );
  const { installed = null, available = null, license = null } = row ?? {};
  const uncompressed = installed === null ? undefined : await readUncompressed(database);
  if (uncompressed !== undefined) return judgeCompression(`${installed}, hypertables`, license, uncompressed);
  if (isEmbedded) return ok(check, 'not in the embedded database: plain tables, without compression');
  const version = installed ?? available;
  return version === null
    ? warning(
        check,
        'not on this server: plain tables, without compression',
        'install it there, then run `migrate`: the tables become hypertables, with all that is in them',
      )
    : warning(
        check,
        `${version} can be had, plain tables are used`,
        'run `migrate` as the owner of the database',
      );
}

/** A run that fails now and then, such as one cut off by a restart, is repeated by itself. */
const fewestFailures = 3;

/** Metric tables that are not compressed by themselves, with the reason. */
interface Uncompressed {
  readonly disabled: readonly string[];
  readonly unscheduled: readonly string[];
  readonly failing: readonly string[];
}

/** `undefined` where there are no hypertables. */
async function readUncompressed(database: Database): Promise<Uncompressed | undefined> {
  const rows = await database.query<{ name: string; enabled: boolean; scheduled: boolean; failed: boolean }>(
    'look at compression',
    sql`
      select tables.hypertable_name as name, tables.compression_enabled as enabled,
        coalesce(bool_or(jobs.scheduled), false) as scheduled,
        coalesce(bool_or(stats.last_run_status = 'Failed' and stats.total_failures >= ${fewestFailures}
          and stats.last_successful_finish < now() - interval '2 days'), false) as failed
      from timescaledb_information.hypertables as tables
      left join timescaledb_information.jobs as jobs
        on jobs.hypertable_schema = tables.hypertable_schema and jobs.hypertable_name = tables.hypertable_name
        and jobs.proc_name in ('policy_compression', 'policy_columnstore')
      left join timescaledb_information.job_stats as stats on stats.job_id = jobs.job_id
      where tables.hypertable_schema = 'cryptoracle' and tables.hypertable_name like 'metrics\\_%'
      group by tables.hypertable_name, tables.compression_enabled
      order by tables.hypertable_name`,
  );
  if (rows.length === 0) return undefined;
  const names = (isSo: (row: (typeof rows)[number]) => boolean) => rows.filter(isSo).map(({ name }) => name);
  return {
    disabled: names(({ enabled }) => !enabled),
    unscheduled: names(({ enabled, scheduled }) => enabled && !scheduled),
    failing: names(({ scheduled, failed: hasFailed }) => scheduled && hasFailed),
  };
}

function judgeCompression(message: string, license: string | null, found: Uncompressed): Finding {
  const check = 'TimescaleDB';
  if (license === 'apache') {
    return warning(
      check,
      `${message}, without compression: it has the Apache licence`,
      "set timescaledb.license = 'timescale' on the server, then run `migrate`; without it history takes several times the disk",
    );
  }
  const { disabled, unscheduled, failing } = found;
  const remedy =
    'run `migrate` as the owner of the database: it compresses what is old, and has new chunks compressed';
  if (disabled.length > 0)
    return warning(check, `${message}; compression is off for ${disabled.join()}`, remedy);
  if (unscheduled.length > 0)
    return warning(
      check,
      `${message}; no job compresses ${unscheduled.join()}`,
      'switch the jobs on with alter_job(…, scheduled => true), or run `migrate` where there are none',
    );
  if (failing.length > 0)
    return warning(
      check,
      `${message}; compressing ${failing.join()} has failed for two days`,
      'timescaledb_information.job_errors says why',
    );
  return ok(check, `${message}, compressed by themselves`);
}
