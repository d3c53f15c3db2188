import type { Logger } from 'pino';
import type { Connection } from '../connection/connection.ts';
import { errorCode } from '../connection/errors.ts';

/**
 * TimescaleDB lets every role plant jobs, which then run in the background for ever, whatever the role may do otherwise.
 * A reader is to read and nothing else: it may plant none, and what one has planted before is removed.
 */

/** The functions that plant jobs and change them, of the installed TimescaleDB. */
const jobRoutines = `
  select routine.oid::regprocedure::text as routine
  from pg_extension as extension
  join pg_depend as d on d.refobjid = extension.oid and d.deptype = 'e' and d.classid = 'pg_proc'::regclass
  join pg_proc as routine on routine.oid = d.objid
  where extension.extname = 'timescaledb'
    and routine.proname in ('add_job', 'alter_job', 'run_job', 'delete_job')`;

/**
 * Takes from everybody the right to plant jobs; the schema's owner keeps it, for the compression policies.
 * Does nothing without TimescaleDB, and warns where this role may not: the extension belongs to another one.
 */
export async function revokeJobPlanting(connection: Connection, log: Logger): Promise<void> {
  try {
    await connection.query(
      'revoke job planting',
      `
      do $$
      declare planting text;
      begin
        for planting in ${jobRoutines} loop
          execute format('revoke execute on routine %s from public', planting);
          execute format('grant execute on routine %s to %s', planting,
            (select nspowner::regrole from pg_namespace where nspname = 'cryptoracle'));
        end loop;
      end $$`,
    );
  } catch (error) {
    if (errorCode(error) !== '42501') throw error;
  }
  const open = await connection.query(
    'look for job planting',
    `select from (${jobRoutines}) as r where has_function_privilege('public', routine, 'execute')`,
  );
  if (open.rowCount !== 0) {
    log.warn(
      'TimescaleDB lets every login plant background jobs, and this role may not forbid it: ' +
        'run `migrate` as the owner of the extension, or look for planted jobs in timescaledb_information.jobs',
    );
  }
}

/** SQL that removes the jobs that a role has planted; nothing without TimescaleDB. @param role an SQL expression */
export const removeJobsOf = (role: string) => `
  do $$
  declare planted record;
  begin
    if to_regclass('timescaledb_information.jobs') is null then return; end if;
    for planted in execute format(
      'select job_id from timescaledb_information.jobs where owner::text = %L', (${role})::regrole::text
    ) loop
      execute format('select %s.delete_job(%s)',
        (select extnamespace::regnamespace from pg_extension where extname = 'timescaledb'), planted.job_id);
    end loop;
  end $$;`;

/** Removes jobs that readers planted before they were kept from it, and says so. */
export async function removeReaderJobs(connection: Connection, log: Logger): Promise<void> {
  const { rows } = await connection.query<{ jobs: string | null }>(
    'look for planted jobs',
    `select to_regclass('timescaledb_information.jobs')::text as jobs`,
  );
  if (rows[0]?.jobs == null) return;
  const planted = await connection.query<{ owner: string; jobs: number }>(
    'look for planted jobs',
    `
    select job.owner::text as owner, count(*)::int as jobs
    from timescaledb_information.jobs as job
    join pg_roles as role on role.oid = job.owner::oid
    where not role.rolsuper and pg_has_role(role.oid, 'cryptoracle_reader', 'member')
      and not pg_has_role(role.oid, (select nspowner from pg_namespace where nspname = 'cryptoracle'), 'member')
    group by 1`,
  );
  for (const { owner, jobs } of planted.rows) {
    try {
      await connection.query('remove planted jobs', removeJobsOf(`'${owner.replaceAll("'", "''")}'`));
      log.warn({ reader: owner, jobs }, 'a reader had planted TimescaleDB jobs: they are removed');
    } catch (error) {
      if (errorCode(error) !== '42501') throw error;
      log.warn(
        { reader: owner, jobs },
        'a reader has planted TimescaleDB jobs, which only a superuser may remove',
      );
    }
  }
}
