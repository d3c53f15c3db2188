import { isToken, type ListedToken, type Token } from '../catalog/index.ts';
import { ApiFailure } from './failure.ts';
import { firstText, isStorable } from './fields.ts';
import { isJson } from './json.ts';

/** Many times the 200 tokens there are. Every token has a ledger and a share of every plan: garbage must not get one. */
const mostTokens = 10_000;

/** Longest name of a token that is one, in characters. */
const longestName = 200;

/** Names under which a token comes in the token list, and under which the list itself may stand. */
const tokenNames = ['token', 'symbol', 'coin', 'coinSymbol', 'tokenSymbol', 'code'] as const;
const tokenLists = ['list', 'tokens'] as const;

/**
 * Reads the answer to the token list: texts, or objects with the token under one of several names and perhaps `name`; the
 * list may stand in an object. Entries that are neither are left out.
 *
 * @throws ApiFailure (`transient`) where the whole is no list, or names no token, or more than 10,000
 */
export function decodeTokens(answer: unknown): ListedToken[] {
  const list = isJson(answer) ? tokenLists.map((name) => answer[name]).find(Array.isArray) : answer;
  if (!Array.isArray(list))
    throw new ApiFailure('transient', 'the answer is no list of tokens', { code: 200 });
  const tokens = new Map<Token, ListedToken>();
  for (const entry of list as readonly unknown[]) {
    const text = isJson(entry) ? firstText(entry, tokenNames) : entry;
    const token = typeof text === 'string' ? text.trim() : '';
    if (!isToken(token)) continue;
    tokens.set(token, { token, name: isJson(entry) && isName(entry.name) ? entry.name : token });
  }
  if (tokens.size > mostTokens) {
    throw new ApiFailure('transient', `the token list names more than ${mostTokens} tokens`, { code: 200 });
  }
  if (tokens.size === 0) throw new ApiFailure('transient', 'the token list names no token', { code: 200 });
  return [...tokens.values()];
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.length <= longestName && isStorable(name);
}
