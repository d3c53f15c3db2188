import { parseBeijing } from '../../beijing.ts';
import type { Instant } from '../../time.ts';
import { windowLists } from '../dialect.ts';
import { isJson, type Json } from '../json.ts';

/** Reads an answer for calibration, on any grid: the decoder would refuse windows that are off ours. */

export interface SeenToken {
  readonly token: string;
  /** Starts of its windows, oldest first. */
  readonly starts: readonly Instant[];
  readonly values: number;
}

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function tokensIn(payload: unknown): SeenToken[] {
  return listIn(payload)
    .filter(isJson)
    .map((entry) => {
      const windows = windowLists.flatMap((name) => listIn(entry[name])).filter(isJson);
      return {
        token: String(entry.token),
        starts: windows.flatMap(startIn).sort((a, b) => a - b),
        values: windows.reduce((sum, { data }) => sum + listIn(data).length, 0),
      };
    });
}

function startIn({ startTime }: Json): Instant[] {
  const start = typeof startTime === 'string' ? parseBeijing(startTime) : undefined;
  return start === undefined ? [] : [start];
}

/** Whether every token has the first and the last of the windows: an answer that was cut short lacks one of them. */
export function isWhole(payload: unknown, tokens: readonly string[], first: Instant, last: Instant): boolean {
  const seen = tokensIn(payload);
  return tokens.every((token) => {
    const starts = seen.find((each) => each.token === token)?.starts ?? [];
    return starts.includes(first) && starts.includes(last);
  });
}

/** When a 1d window starts on the Beijing clock; `undefined` where there is none. */
export function dayStartIn(payload: unknown): '08:00' | '00:00' | undefined {
  const [start] = tokensIn(payload).flatMap(({ starts }) => starts);
  if (start === undefined) return undefined;
  const hour = new Date(start).getUTCHours();
  if (hour === 0) return '08:00';
  return hour === 16 ? '00:00' : undefined;
}

export type TagsShape = 'flat list' | 'windows' | 'map' | 'none';

export function tagsShapeIn(payload: unknown): TagsShape {
  for (const entry of listIn(payload).filter(isJson)) {
    const { tags } = entry;
    if (isJson(tags) && Object.keys(tags).length > 0) return 'map';
    const [first] = listIn(tags);
    if (isJson(first)) return 'data' in first ? 'windows' : 'flat list';
  }
  return 'none';
}
