import type { Connection } from '../connection/connection.ts';

/**
 * Has the database run statements without compiling them (JIT): of the larger views that takes seconds, and what it saves is
 * less. Left alone where somebody has set it for the database, or where this role does not own it.
 */
export async function turnOffJit(connection: Connection): Promise<void> {
  await connection.query(
    'turn off jit',
    `
    do $$ begin
      if not exists (
        select from pg_db_role_setting as s
        join pg_database as d on d.oid = s.setdatabase
        cross join unnest(s.setconfig) as setting
        where d.datname = current_database() and s.setrole = 0 and setting like 'jit=%'
      ) then
        execute format('alter database %I set jit = off', current_database());
      end if;
    exception when insufficient_privilege then null;
    end $$`,
  );
}
