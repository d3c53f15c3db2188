import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wantedWindows } from '../../../src/planning/plan.ts';
import { nextRecheck } from '../../../src/planning/rhythm.ts';
import { afterGap } from '../../../src/store/reports/next.ts';
import { day, hour, minute } from '../../support/clock.ts';

describe('a window that is empty at the source', () => {
  it('is told to be asked for again just where the next recheck plans it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 * 96 }), fc.integer({ min: 0, max: 1440 }), (back, minutes) => {
        const now = Date.UTC(2025, 5, 10) + minutes * minute;
        const end = Math.floor(now / (hour / 4)) * (hour / 4) - back * (hour / 4);
        const window = { start: end - hour / 4, end };
        const at = nextRecheck(now);
        const planned = wantedWindows(
          { start: at - 3 * day, end: at },
          ['15m'],
          at,
          15 * minute,
          '08:00',
        ).get('15m');
        const isPlanned = planned !== undefined && window.start >= planned.start && window.end <= planned.end;
        const told = afterGap('empty at the source', undefined, { now, probeAt: undefined, window });
        expect(told.at).toBe(isPlanned ? at : undefined);
      }),
    );
  });
});
