import { describe, expect, it } from 'vitest';
import { ApiFailure, type FailureKind, kindOfCode } from '../../src/api/failure.ts';

describe('the kinds of failures', () => {
  it.each<[number, FailureKind]>([
    [201, 'bad-request'],
    [202, 'access-denied'],
    [203, 'no-data'],
    [204, 'access-denied'],
    [205, 'metric-refused'],
    [401, 'access-denied'],
    [403, 'access-denied'],
    [429, 'throttled'],
  ])('code %i stands for %s', (code, kind) => {
    expect(kindOfCode(code)).toBe(kind);
  });

  it('every other code is transient until proven otherwise', () => {
    const known = new Set([200, 201, 202, 203, 204, 205, 401, 403, 429]);
    const others = Array.from({ length: 1002 }, (_, code) => code - 1).filter((code) => !known.has(code));
    expect(new Set(others.map(kindOfCode))).toEqual(new Set(['transient']));
  });

  it('only what may do better a moment later is worth a repetition', () => {
    const kinds: FailureKind[] = [
      'bad-request',
      'access-denied',
      'no-data',
      'metric-refused',
      'throttled',
      'transient',
    ];
    expect(kinds.filter((kind) => new ApiFailure(kind, 'x').isRetryable)).toEqual(['throttled', 'transient']);
  });

  it('says what is known of the answer', () => {
    const cause = new Error('below');
    expect(new ApiFailure('throttled', 'slow down', { code: 429, retryAfter: 1500, cause })).toMatchObject({
      name: 'ApiFailure',
      kind: 'throttled',
      message: 'slow down',
      code: 429,
      retryAfter: 1500,
      cause,
    });
    expect(new ApiFailure('transient', 'cut').code).toBeUndefined();
    expect(new ApiFailure('transient', 'cut').retryAfter).toBeUndefined();
  });
});
