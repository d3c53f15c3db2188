import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timesIn, wrapped } from '../../src/commands/times.ts';

describe('a text that is wrapped', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,120}$/), { minLength: 1, maxLength: 40 });

  it('keeps to 80 columns, loses no letter, and begins each line with the indent', () => {
    fc.assert(
      fc.property(words, fc.nat({ max: 20 }), (list, blanks) => {
        const indent = ' '.repeat(blanks);
        const lines = wrapped(list.join(' '), indent).split('\n').slice(0, -1);
        for (const line of lines) {
          expect(line.length).toBeLessThanOrEqual(80);
          expect(line.startsWith(indent)).toBe(true);
        }
        expect(lines.join('').replaceAll(' ', '')).toBe(list.join(''));
      }),
    );
  });

  it('keeps the blanks within a line', () => {
    expect(wrapped('a   b', '  ')).toBe('  a   b\n');
  });
});

describe('times', () => {
  it('are printed in Beijing, or in UTC', () => {
    const instant = Date.parse('2025-06-01T18:30:15Z');
    expect([timesIn(undefined).second(instant), timesIn(true).second(instant)]).toEqual([
      ...['2025-06-02 02:30:15', '2025-06-01 18:30:15'],
    ]);
    expect([timesIn(true).minute(instant), timesIn(true).minute(undefined)]).toEqual([
      '2025-06-01 18:30',
      '-',
    ]);
  });
});
