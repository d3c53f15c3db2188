import { hydrate, render } from 'preact';
import { followAddress, place } from './address.ts';
import { askEarly, listen } from './api.ts';
import { first } from './first.ts';
import { loadOthers, Page } from './page.tsx';
import { firstView } from './place.ts';

/** The page's script: takes over what the server has drawn, or draws another view, and listens for news. */

/** Milliseconds after which the other views come, so that they do not slow down the first. */
const othersAfter = 1000;

const root = document.getElementById('page');
const isDrawn = place.value.view === firstView;
if (first.status === undefined && isDrawn) askEarly('/status');
followAddress();
if (root !== null && isDrawn) hydrate(<Page />, root);
else if (root !== null) {
  root.replaceChildren();
  render(<Page />, root);
}
document.documentElement.classList.remove('elsewhere');
listen();
// An open page outlives an upgrade, which takes the files of its own version away. A failure is told where a view is shown.
setTimeout(() => void loadOthers().catch(() => {}), othersAfter);
