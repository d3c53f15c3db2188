import type { Database } from '../../src/store/connection/database.ts';
import { rows, value } from './database.ts';

/**
 * All that a role was granted in a database, read from PostgreSQL's own lists: name of the object, and the rights in
 * the order of the alphabet.
 *
 * @param role `public` for what everybody may
 * @throws Error where there is a grant of a kind that is not read here
 */
export async function grantsOf(database: Database, role: string): Promise<Record<string, string>> {
  const grantee = role === 'public' ? '0' : `'${role}'::regrole`;
  const found = await rows<{ name: string; rights: string }>(
    database,
    `select name, string_agg(lower(privilege_type), ', ' order by lower(privilege_type)) as rights
     from (
       select format('%s.%s', relnamespace::regnamespace, relname) as name, relacl as acl from pg_class
       union all select format('schema %s', nspname), nspacl from pg_namespace
       union all select 'database', datacl from pg_database where datname = current_database()
       union all select format('%s.%s()', pronamespace::regnamespace, proname), proacl from pg_proc
       union all select format('%s.%s', attrelid::regclass, attname), attacl from pg_attribute
     ) as objects, aclexplode(acl)
     where grantee = ${grantee}
     group by name
     order by name`,
  );
  if (role !== 'public') {
    const objects = await value<number>(
      database,
      `select count(*)::int from pg_shdepend join pg_database as here on datname = current_database()
       where refobjid = ${grantee} and deptype = 'a'
         and (dbid = here.oid or (classid = 'pg_database'::regclass and objid = here.oid))`,
    );
    if (objects !== found.length)
      throw new Error(`${role} has rights on ${objects} objects, not all of them read`);
  }
  return Object.fromEntries(found.map(({ name, rights }) => [name, rights]));
}
