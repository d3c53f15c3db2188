import { renderToString } from 'preact-render-to-string';
import type { First } from '../server/api/types.ts';
import { session } from './api.ts';
import { latest } from './first.ts';
import { Page } from './page.tsx';

/** Draws the first view in the server. It is over in one go, so that visitors do not get one another's. @returns HTML */
export function render({ session: visitors, status }: First): string {
  session.value = visitors;
  latest.status = status;
  return renderToString(<Page />);
}
