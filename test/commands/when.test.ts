import { describe, expect, it } from 'vitest';
import { relativeInstant } from '../../src/commands/when.ts';

describe('an instant that is said from now', () => {
  // 02:30 on 20 June in Beijing.
  const now = Date.parse('2025-06-19T18:30:00Z');

  it.each([
    ['now', '2025-06-19T18:30:00Z'],
    ['today', '2025-06-19T16:00:00Z'],
    ['Yesterday', '2025-06-18T16:00:00Z'],
    ['-90m', '2025-06-19T17:00:00Z'],
    ['-1.5h', '2025-06-19T17:00:00Z'],
    ['-7d', '2025-06-12T18:30:00Z'],
    ['-2w', '2025-06-05T18:30:00Z'],
  ])('%s is %s', (text, expected) => {
    expect(relativeInstant(text, now)).toBe(Date.parse(expected));
  });

  it.each(['7d', '-d', '-7', '-7y', '--7d', '2025-01-01', ''])('is not %j', (text) => {
    expect(relativeInstant(text, now)).toBeUndefined();
  });
});
