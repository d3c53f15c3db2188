import type { ApiFailure } from '../failure.ts';

/**
 * The verdict of the API's code on how a call was dressed. `key`, `signature`, `parameters`: the part that it found
 * wrong first. `granted`: everything is right. `unserved`: there is no such version. `unknown`: it tells nothing.
 */
export type Verdict = 'granted' | 'key' | 'signature' | 'parameters' | 'unserved' | 'unknown';

const verdicts: ReadonlyMap<number, Verdict> = new Map([
  // The question was understood, even where the answer cannot be opened.
  [200, 'granted'],
  [201, 'parameters'],
  [202, 'key'],
  [203, 'granted'],
  // The key is known and the signature right; the right to this call is missing.
  [204, 'granted'],
  [205, 'granted'],
  [401, 'key'],
  [403, 'signature'],
]);

/** @param failure of the call; `undefined` where it was answered */
export function verdictOf(failure: ApiFailure | undefined): Verdict {
  if (failure === undefined) return 'granted';
  const { code, isStatus } = failure;
  if (code === undefined) return 'unknown';
  if (!isStatus) return verdicts.get(code) ?? 'unknown';
  if (code === 404 || code === 405) return 'unserved';
  // A gateway says so to a key that it does not find, and to an address that is not on the whitelist.
  return code === 401 || code === 403 ? 'key' : 'unknown';
}
