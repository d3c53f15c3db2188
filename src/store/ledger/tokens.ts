import { eq, sql } from 'drizzle-orm';
import type { ListedToken, Token } from '../../catalog/index.ts';
import type { Database } from '../connection/database.ts';
import { tokens } from '../schema/index.ts';

/** Tokens that the API offers now, in its order. */
export async function readListedTokens(database: Database): Promise<Token[]> {
  const rows = await database.run('read listed tokens', (db) =>
    db
      .select({ token: tokens.token })
      .from(tokens)
      .where(eq(tokens.listed, true))
      .orderBy(tokens.position, tokens.token),
  );
  return rows.map((row) => row.token);
}

/** Every token ever listed. */
export async function readKnownTokens(database: Database): Promise<ReadonlySet<Token>> {
  const rows = await database.run('read known tokens', (db) =>
    db.select({ token: tokens.token }).from(tokens),
  );
  return new Set(rows.map((row) => row.token));
}

export interface TokenListChange {
  readonly joined: readonly Token[];
  readonly vanished: readonly Token[];
}

/**
 * Takes over the API's list: new tokens join, those that are missing from it are no longer asked for. Nothing of theirs
 * is deleted.
 */
export async function storeTokenList(
  database: Database,
  list: readonly ListedToken[],
  now: number,
): Promise<TokenListChange> {
  const at = new Date(now).toISOString();
  const [change] = await database.query<{ joined: Token[]; vanished: Token[] }>(
    'store token list',
    sql`
      with list as (
        select token, name, position
        from unnest(
          ${sql.param(list.map(({ token }) => token))}::text[], ${sql.param(list.map(({ name }) => name))}::text[]
        ) with ordinality as t (token, name, position)
      ), before as materialized (
        select token from cryptoracle.tokens where listed
      ), vanished as (
        update cryptoracle.tokens set listed = false
        where listed and token not in (select token from list)
        returning token
      ), stored as (
        insert into cryptoracle.tokens (token, name, position, listed, first_listed_at, last_listed_at)
        select token, name, position, true, ${at}::timestamptz, ${at}::timestamptz from list
        on conflict (token) do update
          set name = excluded.name, position = excluded.position, listed = true,
            last_listed_at = excluded.last_listed_at
      )
      select
        coalesce((select array_agg(token) from list where token not in (select token from before)), '{}') as joined,
        coalesce((select array_agg(token) from vanished), '{}') as vanished`,
  );
  return change ?? { joined: [], vanished: [] };
}

/** When the API last answered the token list, in milliseconds since the epoch; `undefined`: never. */
export async function tokensRefreshedAt(database: Database): Promise<number | undefined> {
  const [row] = await database.query<{ at: number | null }>(
    'tokens refreshed at',
    sql`
      select (extract(epoch from max(sent_at)) * 1000)::float8 as at
      from cryptoracle.requests where what = 'tokens'`,
  );
  return row?.at ?? undefined;
}

const day = 86_400_000;

/** Whether the API was last asked for its list more than a day ago, or never. */
export async function isTokenListOld(database: Database, now: number): Promise<boolean> {
  const refreshed = await tokensRefreshedAt(database);
  // What lies in the future is from before the clock was set back.
  return refreshed === undefined || Math.abs(now - refreshed) > day;
}
