import { describe, expect, it } from 'vitest';
import { parseDuration, splitList } from '../../src/config/values.ts';

describe('comma lists', () => {
  it('fall apart at commas', () => {
    expect(splitList(' a ,b,, c d ,')).toEqual(['a', 'b', 'c d']);
    expect(splitList(' , ')).toEqual([]);
  });
});

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['0s', 0],
    [' 1m ', 60_000],
  ])('%j is %i milliseconds', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['', '15', 'm', '15 m', '-1m', '1m30s', '1,5h', '.5h', '1e3s', '15min'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
