import type { First } from '../server/api/types.ts';
import { isInBrowser } from './viewer.ts';

/** What the page has brought along: it is shown at once, and asked for anew. */

const text = (isInBrowser && document.getElementById('first')?.textContent) || '{}';

export const first = JSON.parse(text) as Partial<First>;

/** How things were when that was last told, for a visitor who comes, or comes back from another view. */
export const latest: { status: First['status'] } = { status: first.status };
