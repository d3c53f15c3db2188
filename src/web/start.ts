import { firstView, placeOf } from './place.ts';
import { fillIn } from './viewer.ts';

/**
 * Runs before anything is painted, and is small for that: it adds to the first view, which the server has drawn, what only
 * the browser knows. The page's script comes once that view is on the screen: loading it before would hold up the paint.
 */

/** Milliseconds after which the page's script is loaded even though nothing was painted, as in a tab behind others. */
const longestWait = 1000;

/** The page's script and what it imports, so that a browser asks for all at a time. */
const modules = document.currentScript?.dataset.modules?.split(' ') ?? [];

function loadPage(): void {
  for (const address of modules) void import(address);
}

function loadPageOncePainted(): void {
  setTimeout(loadPage, longestWait);
  const seen = new PerformanceObserver((entries, observer) => {
    if (entries.getEntriesByName('first-contentful-paint').length === 0) return;
    observer.disconnect();
    loadPage();
  });
  seen.observe({ type: 'paint', buffered: true });
}

if (placeOf(location.hash).view === firstView) {
  // Told of new elements before they are painted, however little of the page has come.
  const parts = new MutationObserver(() => fillIn(document));
  parts.observe(document, { childList: true, subtree: true });
  document.addEventListener('DOMContentLoaded', () => {
    fillIn(document);
    parts.disconnect();
    // Where the server did not know how things are, there is nothing to wait for: the page has to ask.
    if (document.querySelector('.verdict') === null) loadPage();
  });
  loadPageOncePainted();
} else {
  document.documentElement.classList.add('elsewhere');
  loadPage();
}
