import { fromBeijing, inBeijing, inViewersZone, isBeijing, viewersZone } from './format.ts';

/**
 * Texts that only the viewer's browser knows, by their clock. The server leaves these texts empty when it draws the first view, and
 * `start.ts` fills them in before they are painted.
 */

/** Whether this is the viewer's browser, and not the server that draws the page for it. */
export const isInBrowser = typeof document !== 'undefined';

/** An instant by the viewer's clock, such as ' (12:15 here)', to stand behind the same in Beijing; '' where it shows the same. */
export function here(at: string): string {
  if (!isInBrowser || isBeijing(at)) return '';
  const [viewers, beijings] = [inViewersZone(at), inBeijing(at)];
  return ` (${viewers.slice(0, 10) === beijings.slice(0, 10) ? viewers.slice(11) : viewers} here)`;
}

/** An instant by both clocks; `undefined` for the server. */
export function byBothClocks(at: string): string | undefined {
  if (!isInBrowser) return undefined;
  return `${inBeijing(at)} in Beijing, ${inViewersZone(at)} by your clock (${viewersZone(at)})`;
}

/** How far the viewer's clock is from Beijing's, such as '; your clock (UTC+1) is 7 h behind'; '' where they agree. */
export function clockHere(): string {
  const now = Date.now();
  const difference = isInBrowser ? fromBeijing(now) : undefined;
  return difference === undefined ? '' : `; your clock (${viewersZone(now)}) is ${difference}`;
}

/** Fills in what the server has left empty in the view that it drew. */
export function fillIn(drawn: ParentNode): void {
  for (const time of drawn.querySelectorAll<HTMLTimeElement>('time:not([title])')) {
    time.title = byBothClocks(time.dateTime) ?? '';
    const after = time.querySelector('.here');
    if (after !== null) after.textContent = here(time.dateTime);
  }
  const zones = drawn.querySelector('.zones .here:empty');
  if (zones !== null) zones.textContent = clockHere();
}
