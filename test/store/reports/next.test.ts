import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wantedWindows } from '../../../src/planning/plan.ts';
import { nextRecheck } from '../../../src/planning/rhythm.ts';
import { afterGap } from '../../../src/store/reports/next.ts';
import { day, minute } from '../../support/clock.ts';

const length = 15 * minute;
const settleDelay = 15 * minute;

describe('a window that is empty at the source', () => {
  it('is told to be asked for again just where the next recheck plans it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 * 96 }), fc.integer({ min: 0, max: 1440 }), (back, minutes) => {
        const now = Date.UTC(2025, 5, 10) + minutes * minute;
        // It has been due, and answered.
        const end = Math.floor((now - settleDelay) / length) * length - back * length;
        const window = { start: end - length, end };
        const at = nextRecheck(now);
        const planned = wantedWindows(
          { start: at - 3 * day, end: at },
          ['15m'],
          at,
          settleDelay,
          '08:00',
        ).get('15m');
        const isPlanned = planned !== undefined && window.start >= planned.start && window.end <= planned.end;
        const told = afterGap('empty at the source', undefined, { now, probeAt: undefined, window });
        expect(told.at).toBe(isPlanned ? at : undefined);
      }),
    );
  });
});
