/** The view that is shown, and its settings, as the address holds them: `#/explorer?token=BTC`; pure. */

export interface Place {
  readonly view: string;
  readonly query: URLSearchParams;
}

/** The view of the plain address, which the server draws. */
export const firstView = 'now';

/** @param hash the address from its `#` on */
export function placeOf(hash: string): Place {
  const [view = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { view: view === '' ? firstView : view, query: new URLSearchParams(query) };
}
