import type { First } from '../server/api/types.ts';

/** What the page has brought along: it is shown at once, and asked for anew. */

const text = document.getElementById('first')?.textContent ?? '{}';

export const first = JSON.parse(text) as Partial<First>;
