import { getTableName } from 'drizzle-orm';
import pg from 'pg';
import type { Logger } from 'pino';
import { granularities } from '../../catalog/index.ts';
import type { Connection } from '../connection/connection.ts';
import { errorCode } from '../connection/errors.ts';
import type { SqlRole } from '../schema/description.ts';
import { describedTables, metricTableRights, metricTables } from '../schema/index.ts';
import { extensionSchema } from './timescale.ts';
import { viewNames } from './views/index.ts';

/**
 * The SQL roles without a login. Their rights stand beside each table in `schema/`, and the worker's rights on
 * the queue in `queue/schema.ts`; every `migrate` grants just that.
 */

/** The comments that `\du+` shows. */
const roles: Readonly<Record<SqlRole, string>> = {
  reader: 'May read what people query in the schema cryptoracle, and nothing else',
  worker: 'May run the pipeline: plan, fetch, store, report. Changes no schema, empties no table',
};

/** Makes the roles where they are missing, and grants each what is listed. */
export async function setUpRoles(connection: Connection, log: Logger): Promise<void> {
  for (const role of ['reader', 'worker'] as const) {
    if (!(await createRole(connection, role, log))) continue;
    if (await grantExactly(connection, role, 'cryptoracle', rightsOf(role))) continue;
    log.warn(`cryptoracle_${role} owns tables of ours: its rights stay as they are`);
  }
}

/**
 * Lets readers use TimescaleDB's functions, in whichever schema they are: everybody may call them who may look into it.
 * Does nothing without TimescaleDB.
 */
export async function openExtension(connection: Connection, log: Logger): Promise<void> {
  const schema = await extensionSchema(connection);
  if (schema === undefined) return;
  try {
    await connection.query(
      'open extension',
      `do $$ begin
         if not has_schema_privilege('cryptoracle_reader', ${pg.escapeLiteral(schema)}::regnamespace, 'usage') then
           grant usage on schema ${schema} to cryptoracle_reader;
         end if;
       exception when undefined_object then null;
       end $$`,
    );
  } catch (error) {
    if (errorCode(error) !== '42501') throw error;
    log.warn(
      { schema },
      'readers cannot call the functions of TimescaleDB: its owner must grant usage on this schema to cryptoracle_reader',
    );
  }
}

/** Rights on every table and view of the schema. Only the owner of the database writes the list of migrations. */
function rightsOf(role: SqlRole): Record<string, string> {
  const ofTables = describedTables.map(({ name, rights }) => [name, rights[role]] as const);
  const ofValues = granularities.map(
    (granularity) => [getTableName(metricTables[granularity]), metricTableRights[role]] as const,
  );
  // Views are for people; the program reads tables.
  const ofViews = viewNames.map((view) => [view, role === 'reader' ? 'select' : ''] as const);
  const migrations = role === 'worker' ? 'select' : '';
  return Object.fromEntries([...ofTables, ...ofValues, ...ofViews, ['migrations', migrations]]);
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
