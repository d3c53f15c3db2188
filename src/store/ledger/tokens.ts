import { and, eq, gt, max, notInArray, sql } from 'drizzle-orm';
import type { ListedToken, Token } from '../../catalog/index.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import type { Reader } from '../connection/reader.ts';
import { requests, tokens } from '../schema/index.ts';
import { columnNames, excluded, textArray, timestamptz } from '../schema/sql.ts';
import { noteEvent } from './events.ts';

/** Tokens that the API offers now, in its order. */
export async function readListedTokens(reader: Reader): Promise<Token[]> {
  const rows = await reader.run('read listed tokens', (db) =>
    db
      .select({ token: tokens.token })
      .from(tokens)
      .where(eq(tokens.listed, true))
      .orderBy(tokens.position, tokens.token),
  );
  return rows.map((row) => row.token);
}

/** Every token ever listed. */
export async function readKnownTokens(reader: Reader): Promise<ReadonlySet<Token>> {
  const rows = await reader.run('read known tokens', (db) => db.select({ token: tokens.token }).from(tokens));
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
export function storeTokenList(
  database: Database,
  list: readonly ListedToken[],
  now: Instant,
): Promise<TokenListChange> {
  return database.transaction(async (tx) => {
    const change = await replaceList(database, list, now, tx);
    for (const [kind, tokens, verb] of [
      ['tokens listed', change.joined, 'joined'],
      ['tokens gone', change.vanished, 'vanished from'],
    ] as const) {
      if (tokens.length === 0) continue;
      await noteEvent(
        database,
        { kind, at: now, message: `${nameSome(tokens)} ${verb} the list of the API` },
        tx,
      );
    }
    return change;
  });
}

const mostNamed = 10;

/** Tokens by name, as many as a sentence holds. */
function nameSome(tokens: readonly string[]): string {
  const named = tokens.slice(0, mostNamed).join(', ');
  return tokens.length > mostNamed ? `${named} and ${tokens.length - mostNamed} more` : named;
}

async function replaceList(
  database: Database,
  list: readonly ListedToken[],
  now: Instant,
  tx: Transaction,
): Promise<TokenListChange> {
  const { token, name, position, listed, firstListedAt, lastListedAt } = columnNames(tokens);
  const told = excluded(tokens);
  const [change] = await database.query<{ joined: Token[]; vanished: Token[] }>(
    'store token list',
    sql`
      with list as (
        select * from unnest(${textArray(list.map((each) => each.token))}, ${textArray(list.map((each) => each.name))})
          with ordinality as t (token, name, position)
      ), before as materialized (
        select ${tokens.token} from ${tokens} where ${tokens.listed}
      ), vanished as (
        update ${tokens} set ${listed} = false
        where ${tokens.listed} and not ${tokens.extra} and ${tokens.token} not in (select token from list)
        returning ${tokens.token}
      ), stored as (
        insert into ${tokens} (${token}, ${name}, ${position}, ${listed}, ${firstListedAt}, ${lastListedAt})
        select token, name, position, true, ${timestamptz(now)}, ${timestamptz(now)} from list
        on conflict (${token}) do update
          set ${name} = ${told.name}, ${position} = ${told.position}, ${listed} = true,
            ${lastListedAt} = ${told.lastListedAt}
      )
      select
        coalesce((select array_agg(token) from list where token not in (select token from before)), '{}') as joined,
        coalesce((select array_agg(token) from vanished), '{}') as vanished`,
    tx,
  );
  return change ?? { joined: [], vanished: [] };
}

/** The tokens of `EXTRA_TOKENS`, which no list of the API takes away. */
export async function readExtraTokens(database: Database): Promise<ReadonlySet<Token>> {
  const rows = await database.run('read extra tokens', (db) =>
    db.select({ token: tokens.token }).from(tokens).where(eq(tokens.extra, true)),
  );
  return new Set(rows.map((row) => row.token));
}

/** Adds tokens that the API's list does not name. One that is listed stays what it is. */
export async function addExtraTokens(
  database: Database,
  extra: readonly Token[],
  now: Instant,
): Promise<void> {
  if (extra.length === 0) return;
  const last = database.run('last position', (db) => db.select({ at: max(tokens.position) }).from(tokens));
  const position = (await last)[0]?.at ?? 0;
  await database.run('add extra tokens', (db) =>
    db
      .insert(tokens)
      .values(
        extra.map((token, index) => ({
          ...{ token, name: token, position: position + 1 + index, extra: true },
          ...{ firstListedAt: now, lastListedAt: now },
        })),
      )
      .onConflictDoUpdate({
        target: tokens.token,
        set: { listed: true, extra: true },
        setWhere: eq(tokens.listed, false),
      }),
  );
}

/** Takes back what `EXTRA_TOKENS` names no longer; data of theirs stay. */
export async function dropExtraTokens(database: Database, extra: readonly Token[]): Promise<void> {
  await database.run('drop extra tokens', (db) =>
    db
      .update(tokens)
      // A token that the API listed after it had been added is the API's.
      .set({ extra: false, listed: gt(tokens.lastListedAt, tokens.firstListedAt) })
      .where(and(eq(tokens.extra, true), notInArray(tokens.token, [...extra]))),
  );
}

/** When the API last answered the token list; `undefined`: never. */
export async function tokensRefreshedAt(database: Database): Promise<Instant | undefined> {
  const [row] = await database.run('tokens refreshed at', (db) =>
    db
      .select({ at: max(requests.sentAt) })
      .from(requests)
      .where(eq(requests.what, 'tokens')),
  );
  return row?.at ?? undefined;
}

/** After how long the list is asked for again. */
const listHoldsFor: Milliseconds = 86_400_000;

/** Whether the API was last asked for its list more than a day ago, or never. */
export async function isTokenListOld(database: Database, now: Instant): Promise<boolean> {
  const refreshed = await tokensRefreshedAt(database);
  // An instant in the future is from before the clock was set back.
  return refreshed === undefined || Math.abs(now - refreshed) > listHoldsFor;
}
