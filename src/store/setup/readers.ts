import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { innermost, oneLine, UserError } from '../../errors.ts';
import type { Milliseconds } from '../../time.ts';
import type { Connection } from '../connection/connection.ts';
import type { Database } from '../connection/database.ts';
import { errorCode } from '../connection/errors.ts';
import { removeJobsOf } from './planted-jobs.ts';
import { extensionSchema } from './timescale.ts';

/** Logins for people's tools: members of `cryptoracle_reader`, which may read and nothing else. */

const group = 'cryptoracle_reader';

export interface Reader extends Record<string, unknown> {
  readonly name: string;
  /** The setting as PostgreSQL shows it; `null` where there is none. */
  readonly statementTimeout: string | null;
}

export function listReaders(database: Database): Promise<Reader[]> {
  return database.query<Reader>(
    'list readers',
    sql`
      select member.rolname as name, (
          select split_part(setting, '=', 2) from unnest(member.rolconfig) as setting
          where setting like 'statement_timeout=%'
        ) as "statementTimeout"
      from pg_catalog.pg_auth_members as belongs
      join pg_catalog.pg_roles as member on member.oid = belongs.member
      join pg_catalog.pg_roles as readers on readers.oid = belongs.roleid
      where readers.rolname = ${group} and member.rolcanlogin and not member.rolsuper
      order by 1`,
  );
}

export interface ReaderOptions {
  readonly password: string;
  /** After which a statement of the login is ended; 0 for never. */
  readonly timeout: Milliseconds;
}

/** @param path schemas that are searched, see {@link readSearchPath} */
const settingsOf = (role: string, timeout: Milliseconds, path: string) => `
      alter role ${role} set statement_timeout = ${Math.trunc(timeout)};
      alter role ${role} set default_transaction_read_only = on;
      alter role ${role} set idle_in_transaction_session_timeout = '10min';
      alter role ${role} set timezone = 'UTC';
      alter role ${role} set search_path = ${path}`;

/** Our schema, and that of TimescaleDB's functions (`time_bucket`) where there are any. */
async function readSearchPath(connection: Connection): Promise<string> {
  const extension = await extensionSchema(connection);
  return extension === undefined ? 'cryptoracle' : `cryptoracle, ${extension}`;
}

/**
 * Gives the logins of earlier versions what new ones have: UTC, and the functions of TimescaleDB by their bare names. What
 * somebody set otherwise stays, and so does everything where this role may not change logins.
 */
export async function updateReaders(connection: Connection): Promise<void> {
  const path = await readSearchPath(connection);
  await connection.query(
    'update readers',
    `do $$
     declare reader record;
     begin
       for reader in
         select member.rolname as name, member.rolconfig as config, array(
             select setting from pg_db_role_setting as here
             join pg_database as this on this.oid = here.setdatabase
             cross join lateral unnest(here.setconfig) as setting
             where here.setrole = member.oid and this.datname = current_database()
           ) as config_here
         from pg_auth_members as belongs
         join pg_roles as member on member.oid = belongs.member
         join pg_roles as readers on readers.oid = belongs.roleid
         where readers.rolname = '${group}' and member.rolcanlogin and not member.rolsuper
           and 'default_transaction_read_only=on' = any (member.rolconfig)
       loop
         begin
           if not exists (select from unnest(reader.config) as setting where setting ilike 'timezone=%') then
             execute format('alter role %I set timezone = ''UTC''', reader.name);
           end if;
           -- In this database alone: in another one of the server TimescaleDB may be in another schema.
           if 'search_path=cryptoracle' = any (reader.config) and ${pg.escapeLiteral(path)} <> 'cryptoracle'
             and not exists (select from unnest(reader.config_here) as setting where setting ilike 'search_path=%')
           then
             execute format('alter role %I in database %I set search_path = %s', reader.name, current_database(),
               ${pg.escapeLiteral(path)});
           end if;
         -- Logins belong to the whole server: another process may change or drop one at this moment.
         exception when others then null;
         end;
       end loop;
     end $$`,
  );
}

/**
 * Makes a login that may read what people query.
 *
 * @returns whether there was none of this name before; else nothing is changed
 * @throws UserError where the name is another role's, or where this role may not create roles
 */
export async function createReader(
  database: Database,
  name: string,
  options: ReaderOptions,
): Promise<boolean> {
  if (await isReader(database, name)) return false;
  const role = pg.escapeIdentifier(name);
  const path = await database.connect(readSearchPath);
  try {
    await changeLogin(
      database,
      `
      create role ${role} login password ${pg.escapeLiteral(scramVerifier(options.password))} in role ${group};
      ${settingsOf(role, options.timeout, path)}`,
    );
  } catch (error) {
    throw explain(error, name);
  }
  return true;
}

/**
 * Gives a reader another password, and its settings anew: a login may change its own.
 * @throws UserError where there is no such reader
 */
export async function renewReader(database: Database, name: string, options: ReaderOptions): Promise<void> {
  await requireReader(database, name);
  const role = pg.escapeIdentifier(name);
  const path = await database.connect(readSearchPath);
  try {
    await changeLogin(
      database,
      `
      alter role ${role} password ${pg.escapeLiteral(scramVerifier(options.password))};
      ${settingsOf(role, options.timeout, path)}`,
    );
  } catch (error) {
    throw explain(error, name);
  }
}

/**
 * Removes a reader, and the large objects and the like that it may have made.
 * @throws UserError where there is no such reader, or where something belongs to it in another database
 */
export async function dropReader(database: Database, name: string): Promise<void> {
  await requireReader(database, name);
  try {
    const role = pg.escapeIdentifier(name);
    // A login that is no superuser may drop a role's possessions only as its member.
    await changeLogin(
      database,
      `
      do $$ begin
        if not pg_has_role(${pg.escapeLiteral(name)}, 'usage') then grant ${role} to current_user; end if;
      end $$;
      ${removeJobsOf(pg.escapeLiteral(name))}
      drop owned by ${role};
      drop role ${role}`,
    );
  } catch (error) {
    throw explain(error, name);
  }
}

/** Runs statements that change a login, as one transaction. */
async function changeLogin(database: Database, statements: string): Promise<void> {
  await database.connect((connection) => connection.query('change login', statements));
}

async function isReader(database: Database, name: string): Promise<boolean> {
  return (await listReaders(database)).some((reader) => reader.name === name);
}

async function requireReader(database: Database, name: string): Promise<void> {
  if (!(await isReader(database, name))) {
    throw new UserError(`there is no reader '${name}'; \`reader list\` shows those there are`);
  }
}

/** The object that stands in the way, in PostgreSQL's words. */
function detailOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return oneLine(cause instanceof pg.DatabaseError ? (cause.detail ?? cause.message) : innermost(cause));
}

function explain(error: unknown, name: string): unknown {
  switch (errorCode(error)) {
    case '42501': // insufficient_privilege
      return new UserError(
        'DATABASE_URL: this role may not create or change logins; use one that may (a superuser, or CREATEROLE)',
      );
    case '42710': // duplicate_object
      return new UserError(`the server has a role '${name}' already, which is no reader; take another name`);
    case '42704': // undefined_object
      return new UserError(`the role ${group} is missing; run \`migrate\` first`);
    case '42939': // reserved_name
      return new UserError(`'${name}' is a name that PostgreSQL keeps to itself; take another`);
    case '2BP01': // dependent_objects_still_exist
      return new UserError(
        `something still belongs to '${name}', in another database maybe (${detailOf(error)}); drop or reassign it first`,
      );
    default:
      return error;
  }
}

/** A password that needs no quoting in addresses, shells and files: 192 bits. */
export function generatePassword(): string {
  return randomBytes(24).toString('base64url');
}

const scramIterations = 4096;

/**
 * The form in which PostgreSQL keeps a password (RFC 5803, SCRAM-SHA-256), computed here so that the password itself
 * is in no log of statements. Takes printable ASCII, which needs no normalization.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, scramIterations, 32, 'sha256');
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  const server = keyed('Server Key').toString('base64');
  return `SCRAM-SHA-256$${scramIterations}:${salt.toString('base64')}$${stored}:${server}`;
}
