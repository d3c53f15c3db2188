import { signal } from '@preact/signals';

/** The view that is shown, and its settings, as the address holds them: `#/explorer?token=BTC`. */

export interface Place {
  readonly view: string;
  readonly query: URLSearchParams;
}

const read = (): Place => {
  const [view = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  return { view: view === '' ? 'now' : view, query: new URLSearchParams(query) };
};

export const place = signal<Place>(read());

addEventListener('hashchange', () => {
  place.value = read();
});

export function linkTo(view: string, query: Readonly<Record<string, string>> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#/${view}${text === '' ? '' : `?${text}`}`;
}

/** Changes settings of the view that is shown; an empty text takes one away. A step back undoes it. */
export function change(changes: Readonly<Record<string, string>>, how: 'push' | 'replace' = 'replace'): void {
  const { view, query } = place.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') next.delete(name);
    else next.set(name, value);
  }
  const url = linkTo(view, Object.fromEntries(next));
  if (how === 'push') history.pushState(null, '', url);
  else history.replaceState(null, '', url);
  place.value = read();
}
