import { getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Connection } from '../connection/connection.ts';
import { errorCode } from '../connection/errors.ts';
import * as schema from '../schema/index.ts';
import { viewNames } from './views/index.ts';

/**
 * SQL roles without a login, `cryptoracle_reader` and `cryptoracle_worker`, to be granted to logins. What they may do is
 * listed here, and what the worker's may do with the queue in `queue/schema.ts`; every `migrate` grants just that.
 */
export type SqlRole = 'reader' | 'worker';

/** What `\du+` tells a person about each role. */
const roles: Readonly<Record<SqlRole, string>> = {
  reader: 'May read what people query in the schema cryptoracle, and nothing else',
  worker: 'May run the pipeline: plan, fetch, store, report. Changes no schema, empties no table',
};

/** What each role may do with a table, as GRANT takes it; an empty text: nothing. */
type TableRights = Readonly<Record<SqlRole, string>>;

/** Who may do what. Only the owner of the database writes the catalogue and the list of migrations. */
const tableRights: Readonly<Record<string, TableRights>> = {
  metrics_15m: { reader: 'select', worker: 'select, insert, update' },
  metrics_1h: { reader: 'select', worker: 'select, insert, update' },
  metrics_4h: { reader: 'select', worker: 'select, insert, update' },
  metrics_1d: { reader: 'select', worker: 'select, insert, update' },
  token_tags: { reader: 'select', worker: 'select, insert, update' },
  tokens: { reader: 'select', worker: 'select, insert, update' },
  metric_catalog: { reader: 'select', worker: '' },
  tag_catalog: { reader: 'select', worker: '' },
  coverage: { reader: 'select', worker: 'select, insert, update' },
  revisions: { reader: 'select', worker: 'select, insert' },
  quarantine: { reader: 'select', worker: 'select, insert, update' },
  quality_notes: { reader: 'select', worker: 'select, insert, update, delete' },
  quality_due: { reader: '', worker: 'select, insert, delete' },
  requests: { reader: 'select', worker: 'select, insert' },
  entitlements: { reader: 'select', worker: 'select, insert, update, delete' },
  facts: { reader: 'select', worker: 'select, insert, update' },
  backfills: { reader: 'select', worker: 'select, insert, update' },
  breaker: { reader: 'select', worker: 'select, insert, update, delete' },
  wanted: { reader: 'select', worker: 'select, insert, update, delete' },
  refreshed: { reader: '', worker: 'select, insert, update, delete' },
  pace: { reader: '', worker: 'select, insert, update' },
  migrations: { reader: '', worker: 'select' },
};

/** Makes the roles where they are missing, and grants each what is listed. */
export async function setUpRoles(connection: Connection, log: Logger): Promise<void> {
  for (const role of ['reader', 'worker'] as const) {
    if (!(await createRole(connection, role, log))) continue;
    if (await grantExactly(connection, role, 'cryptoracle', rightsOf(role))) continue;
    log.warn(`cryptoracle_${role} owns tables of ours: its rights stay as they are`);
  }
}

/** Rights on every table of the schema. @throws RangeError where one is not listed */
function rightsOf(role: SqlRole): Record<string, string> {
  const tables = Object.values(schema)
    .filter((table) => is(table, PgTable))
    .map((table) => getTableName(table));
  const ofTables = [...tables, 'migrations'].map((table) => {
    const rights = tableRights[table];
    if (rights === undefined) throw new RangeError(`no rights for table ${table}`);
    return [table, rights[role]] as const;
  });
  // Views are for people; the program reads tables.
  const ofViews = viewNames.map((view) => [view, role === 'reader' ? 'select' : ''] as const);
  return Object.fromEntries([...ofTables, ...ofViews]);
}

/** @returns whether the role is there now */
async function createRole(connection: Connection, role: SqlRole, log: Logger): Promise<boolean> {
  const name = `cryptoracle_${role}`;
  const comment = pg.escapeLiteral(roles[role]);
  try {
    // Roles belong to the whole server: another database's `migrate` may make the same one at the same moment. The
    // comment is not worth a failure where the role was made by somebody else.
    await connection.query(
      'make role',
      `
      do $$ begin
        if not exists (select from pg_roles where rolname = '${name}') then create role ${name} nologin; end if;
      exception when duplicate_object or unique_violation then null;
      end $$;
      do $$ begin
        if shobj_description('${name}'::regrole, 'pg_authid') is distinct from ${comment} then
          comment on role ${name} is ${comment};
        end if;
      exception when others then null;
      end $$`,
    );
    return true;
  } catch (error) {
    if (errorCode(error) !== '42501') throw error;
    log.warn(`this user may not create roles: have ${name} created, then run \`migrate\` again`);
    return false;
  }
}

/**
 * Lets a role do with the tables of a schema what is listed, and no more: what it was granted on them otherwise is
 * revoked. Does nothing where there is no such role, or where the role of that name owns something in the schema: an
 * owner's rights are not for us to cut.
 *
 * @param rights by table, as GRANT takes them; an empty text: none
 * @returns whether the role has its rights now
 */
export async function grantExactly(
  connection: Connection,
  role: SqlRole,
  schemaName: string,
  rights: Readonly<Record<string, string>>,
): Promise<boolean> {
  const { rowCount } = await connection.query(
    'look at role',
    `select from pg_roles as r
     where rolname = $1 and not exists (
       select from pg_class join pg_namespace as n on n.oid = relnamespace
       where nspname = $2 and r.oid in (relowner, nspowner)
     )`,
    [`cryptoracle_${role}`, schemaName],
  );
  if (rowCount === 0) return false;
  const qualified = (table: string) => `${schemaName}.${pg.escapeIdentifier(table)}`;
  const granted = Object.entries(rights).filter(([, right]) => right !== '');
  const statements = [
    `revoke all on schema ${schemaName} from cryptoracle_${role}`,
    `revoke all on ${Object.keys(rights).map(qualified).join(', ')} from cryptoracle_${role}`,
    `grant usage on schema ${schemaName} to cryptoracle_${role}`,
    ...granted.map(([table, right]) => `grant ${right} on ${qualified(table)} to cryptoracle_${role}`),
  ];
  // One message is one transaction: whoever is at work meanwhile misses no right for a moment.
  await connection.query('grant rights', statements.join(';\n'));
  return true;
}
