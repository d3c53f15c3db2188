import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beijingDay, formatBeijing, formatBeijingDate, parseBeijing } from '../src/beijing.ts';

const clock = new Intl.DateTimeFormat('en-US', {
  timeZone: 'Asia/Shanghai',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** What a clock on a wall in Shanghai shows, by the time zone database. */
function wallClock(instant: number): string {
  const parts = new Map(clock.formatToParts(instant).map(({ type, value }) => [type, value]));
  const field = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? '';
  return `${field('year')}-${field('month')}-${field('day')} ${field('hour')}:${field('minute')}:${field('second')}`;
}

// China kept daylight saving until 1991; the vendor's data begin in 2025.
const instants = fc.integer({ min: Date.UTC(1992, 0, 1), max: Date.UTC(2099, 11, 31) });

describe('Beijing time', () => {
  it('formats every instant as the time zone database does', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        expect(formatBeijing(instant)).toBe(wallClock(instant));
        expect(formatBeijingDate(instant)).toBe(wallClock(instant).slice(0, 10));
      }),
      { numRuns: 500 },
    );
  });

  it('reads back what a wall clock in Beijing shows, to the second', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        expect(parseBeijing(wallClock(instant))).toBe(Math.floor(instant / 1000) * 1000);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['2025-01-01', '2024-12-31T16:00:00Z'],
    ['2025-01-01 00:00', '2024-12-31T16:00:00Z'],
    ['2025-01-01 08:00:00', '2025-01-01T00:00:00Z'],
    ['2025-01-01T08:00:01', '2025-01-01T00:00:01Z'],
    ['2025-01-01 08:00:01.000', '2025-01-01T00:00:01Z'],
    ['  2024-02-29 23:59:59  ', '2024-02-29T15:59:59Z'],
  ])('reads %j as %s', (text, iso) => {
    expect(parseBeijing(text)).toBe(Date.parse(iso));
  });

  it.each([
    '2025-02-29',
    '2025-02-30 00:00:00',
    '2025-06-31',
    '2025-13-01',
    '2025-00-10',
    '2025-01-00',
    '2025-01-01 24:00:00',
    '2025-01-01 23:60',
    '2025-01-01 23:59:60',
    '0025-01-01',
  ])('refuses %s, which does not exist', (text) => {
    expect(parseBeijing(text)).toBeUndefined();
  });

  it.each([
    '',
    'yesterday',
    '2025-1-1',
    '2025/01/01',
    '20250101',
    '2025-01-01 8:00',
    '2025-01-01 08',
    '2025-01-01 08:00:00.5',
    '2025-01-01 08:00:00Z',
    '2025-01-01 08:00:00+08:00',
    'on 2025-01-01',
    '2025-01-01\n2025-01-02',
    '1735660800000',
  ])('refuses %j, which is no date', (text) => {
    expect(parseBeijing(text)).toBeUndefined();
  });

  it('takes a date for existing exactly when the calendar has it', () => {
    const two = (number: number) => String(number).padStart(2, '0');
    const monthLengths = (year: number) => {
      const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
      return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 1992, max: 2200 }),
        fc.integer({ min: 0, max: 14 }),
        fc.integer({ min: 0, max: 33 }),
        (year, month, date) => {
          const exists = date >= 1 && date <= (monthLengths(year)[month - 1] ?? 0);
          expect(parseBeijing(`${year}-${two(month)}-${two(date)}`) !== undefined).toBe(exists);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('begins a day when the Beijing date changes, at 16:00 UTC', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        const start = beijingDay(instant);
        expect(wallClock(start)).toBe(`${wallClock(instant).slice(0, 10)} 00:00:00`);
        expect(new Date(start).toISOString().slice(11)).toBe('16:00:00.000Z');
        expect(start <= instant && instant < start + 86_400_000).toBe(true);
      }),
    );
  });
});
