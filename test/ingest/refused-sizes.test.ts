import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusedSizes } from '../../src/ingest/refused-sizes.ts';

/** An API with a limit: a request is refused above it, and then answered in halves. */
function ask(size: number, limit: number, told: { calls: number }): { refused: number; answered: number } {
  told.calls++;
  if (size <= limit) return { refused: Number.POSITIVE_INFINITY, answered: size };
  const parts = [ask(Math.ceil(size / 2), limit, told), ask(Math.floor(size / 2), limit, told)];
  return {
    refused: Math.min(size, ...parts.map(({ refused }) => refused)),
    answered: Math.max(...parts.map(({ answered }) => answered)),
  };
}

describe('a limit of records that requests are refused above', () => {
  it('is found within a few requests, never lower than half of it, and exactly where it is round', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 1999 }), (limit) => {
        const sizes = new RefusedSizes();
        const told = { calls: 0 };
        let kept = 2000;
        let requests = 0;
        for (; requests < 30; requests++) {
          const shown = sizes.note(ask(kept, limit, told));
          if (shown === undefined) continue;
          expect(shown).toBeLessThan(kept);
          kept = shown;
        }
        expect(kept).toBeLessThanOrEqual(limit);
        expect(kept).toBeGreaterThanOrEqual(limit / 2);
        if ([500, 1000, 1500].includes(limit)) expect(kept).toBe(limit);
      }),
    );
  });

  it('is none where a request of the size, or a larger one, is answered', () => {
    const sizes = new RefusedSizes();
    expect(sizes.note({ refused: Number.POSITIVE_INFINITY, answered: 2000 })).toBeUndefined();
    for (let times = 0; times < 10; times++) {
      expect(sizes.note({ refused: 2000, answered: 1000 })).toBeUndefined();
    }
  });

  it('is none where it showed only once', () => {
    expect(new RefusedSizes().note({ refused: 2000, answered: 1000 })).toBeUndefined();
  });
});
