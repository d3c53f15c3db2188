import { signal } from '@preact/signals';
import { type Place, placeOf } from './place.ts';
import { isInBrowser } from './viewer.ts';

/** The place that is shown, and how the page goes to another. */

const read = (): Place => placeOf(location.hash);

/** The server draws the plain address's: browsers do not send what stands behind the `#`. */
export const place = signal<Place>(isInBrowser ? read() : placeOf(''));

/** Has the page show what the address says from now on. */
export function followAddress(): void {
  addEventListener('hashchange', () => {
    place.value = read();
  });
}

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
