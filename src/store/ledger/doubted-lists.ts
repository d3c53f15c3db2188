import type { ListedToken, Token } from '../../catalog/index.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { doubtedLists } from '../schema/index.ts';
import { noteEvent } from './events.ts';
import {
  readExtraTokens,
  readKnownTokens,
  readListedTokens,
  storeTokenList,
  type TokenListChange,
} from './tokens.ts';

/**
 * Token lists that are not believed at once: what a list drops is no longer asked for, and a list that is wrong for an hour
 * would cost a day.
 */

/** Share of the tokens that a list may drop, and of its tokens that may be unknown, and be believed at once. */
const mostVanished = 0.1;
const mostUnknown = 0.5;

/** Until the API is asked again about a list that is doubted. */
const askAgainAfter: Milliseconds = 600_000;

/** How long the API must have said the same for a doubted list to be believed. */
const believedAfter: Milliseconds = 3_600_000;

/** Why a list is not believed at once. */
interface Doubt {
  readonly vanished: readonly Token[];
  /** How many of its tokens were never listed. */
  readonly unknown: number;
}

/** @returns `undefined` where there is no reason for doubt */
export function doubtOf(
  list: readonly Token[],
  listed: readonly Token[],
  known: ReadonlySet<Token>,
): Doubt | undefined {
  const named = new Set(list);
  const vanished = listed.filter((token) => !named.has(token));
  const unknown = list.filter((token) => !known.has(token)).length;
  const isDoubted = vanished.length > listed.length * mostVanished || unknown > list.length * mostUnknown;
  return isDoubted ? { vanished, unknown } : undefined;
}

/** Whether two lists say the same but for a tenth. */
export function agrees(a: readonly Token[], b: readonly Token[]): boolean {
  const [inA, inB] = [new Set(a), new Set(b)];
  const differing = a.filter((token) => !inB.has(token)).length + b.filter((token) => !inA.has(token)).length;
  return differing <= Math.max(inA.size, inB.size) * mostVanished;
}

/** A list that waits for further opinions. */
export interface DoubtedList extends Doubt {
  readonly tokens: readonly Token[];
  readonly since: Instant;
  readonly times: number;
  readonly askAt: Instant;
}

export async function readDoubtedList(database: Database): Promise<DoubtedList | undefined> {
  const [row] = await database.run('read doubted list', (db) => db.select().from(doubtedLists));
  return row;
}

/** Whether it is time to ask for another opinion. */
export async function isOpinionDue(database: Database, now: Instant): Promise<boolean> {
  const doubted = await readDoubtedList(database);
  // What lies far ahead is from before the clock was set back.
  return doubted !== undefined && (doubted.askAt <= now || doubted.askAt > now + askAgainAfter);
}

/** What became of a list: taken over, or doubted. */
export type ListOutcome =
  | { readonly kind: 'taken'; readonly change: TokenListChange }
  | { readonly kind: 'doubted'; readonly doubted: DoubtedList };

/**
 * Takes the API's list over, or keeps it until the API has said the same for an hour: a list that drops more than a tenth
 * of the tokens, or most of whose tokens are unknown.
 */
export async function receiveTokenList(
  database: Database,
  list: readonly ListedToken[],
  now: Instant,
): Promise<ListOutcome> {
  const tokens = list.map(({ token }) => token);
  const [wanted, extra, known, before] = await Promise.all([
    readListedTokens(database),
    readExtraTokens(database),
    readKnownTokens(database),
    readDoubtedList(database),
  ]);
  const listed = wanted.filter((token) => !extra.has(token));
  const doubt = doubtOf(tokens, listed, known);
  const isSame = before !== undefined && before.since <= now && agrees(tokens, before.tokens);
  if (doubt === undefined || (isSame && now - before.since >= believedAfter)) {
    if (before !== undefined) await database.run('drop doubted list', (db) => db.delete(doubtedLists));
    return { kind: 'taken', change: await storeTokenList(database, list, now) };
  }
  const doubted = {
    ...{ tokens, vanished: doubt.vanished, unknown: doubt.unknown },
    since: isSame ? before.since : now,
    times: isSame ? before.times + 1 : 1,
    askAt: now + askAgainAfter,
  };
  await keep(database, doubted, now);
  return { kind: 'doubted', doubted };
}

/** Until a list that is doubted again counts as the same event. */
const sameDoubt: Milliseconds = 86_400_000;

async function keep(database: Database, doubted: DoubtedList, now: Instant): Promise<void> {
  const row = { ...doubted, tokens: [...doubted.tokens], vanished: [...doubted.vanished] };
  await database.transaction(async (tx) => {
    await database.run(
      'keep doubted list',
      (db) =>
        db
          .insert(doubtedLists)
          .values({ id: 1, ...row })
          .onConflictDoUpdate({ target: doubtedLists.id, set: row }),
      tx,
    );
    const message = `${describeDoubt(doubted)}; the one we have stays in use until the API has said so for an hour`;
    await noteEvent(database, { kind: 'list doubted', at: now, message, joinsWithin: sameDoubt }, tx);
  });
}

/** A doubted list in words. */
export const describeDoubt = ({ tokens, vanished, unknown }: DoubtedList) =>
  `the API's list names ${tokens.length} tokens, ${unknown} of them unknown, and drops ${vanished.length} that were listed`;
