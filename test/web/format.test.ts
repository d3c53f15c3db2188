import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import * as format from '../../src/web/format.ts';

/** What the page makes of numbers and instants without `Intl`, against what `Intl` makes of them. */

// Before 1992 Beijing had daylight saving, which the API knows nothing of.
const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });

/** Makes `yyyy-MM-dd HH:mm` in a zone. */
const clockIn = (timeZone: string) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });

const beijing = clockIn('Asia/Shanghai');

describe('instants on the page', () => {
  const before = process.env.TZ;
  afterEach(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });

  it('are Beijing’s', () => {
    fc.assert(
      fc.property(instant, (at) => {
        expect(format.inBeijing(at.toISOString())).toBe(beijing.format(at));
        expect(format.inBeijing(at.getTime())).toBe(beijing.format(at));
      }),
    );
  });

  it.each(['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Asia/Shanghai'])(
    'are shown by the clock of a viewer in %s, too',
    (zone) => {
      process.env.TZ = zone;
      const viewers = clockIn(zone);
      const offset = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'shortOffset' });
      fc.assert(
        fc.property(instant, (at) => {
          const text = at.toISOString();
          expect(format.inViewersZone(text)).toBe(viewers.format(at));
          expect(format.isBeijing(text)).toBe(viewers.format(at) === beijing.format(at));
          const named = offset.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value;
          // Some versions of Node leave out the 0.
          expect(format.viewersZone(text)).toBe(named?.replace(/^GMT$/, 'GMT+0').replace('GMT', 'UTC'));
        }),
      );
    },
  );

  it('tell how far the viewer’s clock is from Beijing’s', () => {
    const far = (zone: string) => {
      process.env.TZ = zone;
      return format.fromBeijing(Date.parse('2026-07-01T00:00:00Z'));
    };
    expect(far('Europe/Berlin')).toBe('6 h behind');
    expect(far('Asia/Kathmandu')).toBe('2 h 15 min behind');
    expect(far('Australia/Sydney')).toBe('2 h ahead');
    expect(far('Asia/Shanghai')).toBeUndefined();
  });
});

describe('spans on the page', () => {
  it('are told in two units, or in one where that is all', () => {
    const seconds = { s: 1, min: 60, h: 3600, d: 86_400 };
    const spans = [
      '59 s',
      '1 min',
      '59 min',
      '1 h',
      '1 h 1 min',
      '47 h 59 min',
      '2 d',
      '2 d 1 h',
      '400 d 23 h',
    ];
    for (const text of spans) {
      const parts = [...text.matchAll(/(\d+) (s|min|h|d)/g)];
      const length = parts.reduce((sum, [, number, unit]) => {
        return sum + Number(number) * seconds[unit as keyof typeof seconds];
      }, 0);
      expect(format.span(length)).toBe(text);
    }
  });
});

describe('numbers on the page', () => {
  it('have commas between thousands', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), (number) => {
        const whole = Math.round(number) + 0;
        expect(format.count(number)).toBe(whole.toLocaleString('en-US'));
      }),
    );
  });

  it('show which way they go', () => {
    expect([1234.56, -1234.56, 0, 3, -0.04].map((value) => format.signed(value, 1))).toEqual([
      ...['+1,234.6', '-1,234.6', '0', '+3', '0'],
    ]);
    expect(format.signed(1_234_567.8)).toBe('+1,234,568');
  });
});
