import type { Behaviour } from './behaviour.ts';
import type { Market } from './market.ts';
import { Refusal } from './refusal.ts';

/** As many garbage names as a list may have that is still read. */
const garbageNames = 9_994;

/** The answer to the token list. @throws Refusal with code 204 where the call is not allowed */
export function coinList(market: Market, behaviour: Behaviour): unknown {
  if (behaviour.refusedEndpoints.has('coin/list')) throw new Refusal(204, 'no access to coin/list');
  const items = tokensOf(market, behaviour).map(({ token, name }) =>
    behaviour.coinListShape === 'strings' ? token : { [behaviour.coinKey]: token, name },
  );
  return behaviour.coinListUnder === 'none' ? items : { [behaviour.coinListUnder]: items };
}

function tokensOf(market: Market, { coinList: content, unlistedTokens }: Behaviour) {
  if (content === 'short') return [{ token: 'BTC', name: 'Bitcoin' }];
  if (content === 'whole') return market.tokens.filter(({ token }) => !unlistedTokens.has(token));
  return Array.from({ length: garbageNames }, (_, number) => ({
    token: `GARBAGE${number}`,
    name: 'Garbage',
  }));
}
