import { absurdValues, type Faults, type Mishap } from './faults.ts';
import { isObject, type JsonObject } from './refusal.ts';

/** What faults do to the content of an answer, before it is dressed. */

/** Marks a text that is to stand in the JSON as a number, which JavaScript could not hold. */
const numberMark = '#number:';

/** JSON of a payload; numbers that {@link spoil} put in stand as they were written. */
export function writeJson(payload: unknown): string {
  return JSON.stringify(payload).replace(/"#number:([^"]+)"/g, '$1');
}

/**
 * @param payload the answer's list of tokens
 * @param windowsField name of the list of windows in it
 * @returns a list in which one value is absurd, or stands twice, where the mishap says so
 */
export function spoil(payload: unknown, windowsField: string, faults: Faults, mishap: Mishap): unknown {
  if (mishap.fault === 'absurd') {
    const drawn = absurdValues[Math.floor(mishap.chance * absurdValues.length)];
    const written = faults.absurd?.value ?? drawn ?? absurdValues[0];
    return withData(payload, windowsField, ([first, ...others]) => [
      { ...first, value: typeof first?.value === 'number' ? numberMark + written : written },
      ...others,
    ]);
  }
  if (mishap.fault === 'twice') {
    return withData(payload, windowsField, (data) => [...data, { ...data[0], value: '0.4242' }]);
  }
  return payload;
}

/** Changes the values of the first window that has any. */
function withData(
  payload: unknown,
  windowsField: string,
  change: (data: readonly JsonObject[]) => readonly JsonObject[],
): unknown {
  if (!Array.isArray(payload)) return payload;
  let isDone = false;
  const changed = (window: JsonObject): JsonObject => {
    if (isDone || !Array.isArray(window.data) || window.data.length === 0) return window;
    isDone = true;
    return { ...window, data: change(window.data.filter(isObject)) };
  };
  return payload.filter(isObject).map((token) => {
    const windows = token[windowsField];
    return Array.isArray(windows)
      ? { ...token, [windowsField]: windows.filter(isObject).map(changed) }
      : token;
  });
}
