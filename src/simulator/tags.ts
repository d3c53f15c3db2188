import type { TagCode } from '../catalog/index.ts';
import type { Behaviour } from './behaviour.ts';
import type { TagValue } from './labels.ts';
import type { JsonObject } from './refusal.ts';

/** One tag of a token. */
export interface TagItem {
  readonly tag: TagCode;
  readonly label: TagValue;
  /** The bounds of the window that it is told for, where tags come in windows. */
  readonly window?: { readonly startTime: string; readonly endTime: string };
}

/** A token's tags in one of the shapes that the pages leave open. */
export function shapeTags(items: readonly TagItem[], behaviour: Behaviour): unknown {
  switch (behaviour.tagsShape) {
    case 'flat':
      return items.map((item) => entryOf(item, behaviour));
    case 'map':
      return Object.fromEntries(items.map((item) => [item.tag, labelOf(item, behaviour)]));
    case 'windows':
      return byWindow(items, behaviour);
  }
}

function byWindow(items: readonly TagItem[], behaviour: Behaviour): JsonObject[] {
  const windows = new Map<string, { readonly window: TagItem['window']; readonly data: JsonObject[] }>();
  for (const item of items) {
    const key = item.window?.startTime ?? '';
    const found = windows.get(key) ?? { window: item.window, data: [] };
    found.data.push(entryOf(item, behaviour));
    windows.set(key, found);
  }
  return Array.from(windows.values(), ({ window, data }) => ({ ...window, data }));
}

function entryOf(item: TagItem, behaviour: Behaviour): JsonObject {
  return { [behaviour.tagKey]: item.tag, [behaviour.tagValueKey]: labelOf(item, behaviour) };
}

function labelOf({ label }: TagItem, { ecosystemAs }: Behaviour): unknown {
  return typeof label === 'object' && ecosystemAs === 'text' ? JSON.stringify(label) : label;
}
