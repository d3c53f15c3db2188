import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Tile, Tiling } from '../../src/planning/tiling.ts';

/** How often each cell of the grid is covered; tiles that stick out are an error. */
function coverage(width: number, height: number, tiles: Iterable<Tile>): Uint8Array {
  const cells = new Uint8Array(width * height);
  for (const { left, right, top, bottom } of tiles) {
    if (left < 0 || top < 0 || right > width || bottom > height || left >= right || top >= bottom) {
      throw new RangeError(`a tile sticks out: ${left}-${right} × ${top}-${bottom}`);
    }
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++)
        cells[row * width + column] = 1 + (cells[row * width + column] ?? 0);
    }
  }
  return cells;
}

/** The fewest rectangles that guillotine cuts allow, by trying every cut there is. */
function fewestByBruteForce(area: number): (width: number, height: number) => number {
  const known = new Map<string, number>();
  const fewest = (width: number, height: number): number => {
    if (width * height <= area) return 1;
    const key = `${Math.min(width, height)} ${Math.max(width, height)}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    let best = width * height;
    for (let at = 1; at <= width / 2; at++)
      best = Math.min(best, fewest(at, height) + fewest(width - at, height));
    for (let at = 1; at <= height / 2; at++)
      best = Math.min(best, fewest(width, at) + fewest(width, height - at));
    known.set(key, best);
    return best;
  };
  return fewest;
}

const grid = fc.record({
  width: fc.integer({ min: 1, max: 200 }),
  height: fc.integer({ min: 1, max: 300 }),
  area: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 31, max: 5000 })),
});

describe('tiling', () => {
  it('covers each cell of the grid exactly once with tiles no larger than the area', () => {
    fc.assert(
      fc.property(grid, ({ width, height, area }) => {
        const tiles = [...new Tiling(area).tiles(width, height)];
        expect(coverage(width, height, tiles).every((times) => times === 1)).toBe(true);
        const largest = tiles.reduce(
          (most, { left, right, top, bottom }) => Math.max(most, (right - left) * (bottom - top)),
          0,
        );
        expect(largest).toBeLessThanOrEqual(area);
      }),
      { numRuns: 150 },
    );
  });

  it('counts as many tiles as it gives, also when it is used again and again', () => {
    const tilings = new Map([3, 13, 153, 2000].map((area) => [area, new Tiling(area)]));
    fc.assert(
      fc.property(grid, fc.constantFrom(...tilings), ({ width, height }, [, tiling]) => {
        expect(tiling.count(width, height)).toBe([...tiling.tiles(width, height)].length);
      }),
    );
  });

  it('needs at most one tile more than the best of all guillotine cuts on small grids', () => {
    const far: string[] = [];
    let worse = 0;
    let grids = 0;
    for (let area = 1; area <= 40; area++) {
      const fewest = fewestByBruteForce(area);
      const tiling = new Tiling(area);
      for (let width = 1; width <= 16; width++) {
        for (let height = 1; height <= 16; height++) {
          const best = fewest(width, height);
          const count = tiling.count(width, height);
          if (count < best || count > best + 1)
            far.push(`${width} × ${height} into ${area}: ${count}, not ${best}`);
          if (count > best) worse++;
          grids++;
        }
      }
    }
    expect(far).toEqual([]);
    expect(worse / grids).toBeLessThan(0.01);
  });

  it('takes one tile where the grid fits, and none where there is no grid', () => {
    const tiling = new Tiling(2000);
    expect(tiling.count(200, 10)).toBe(1);
    expect(tiling.count(1, 2000)).toBe(1);
    expect(tiling.count(0, 10)).toBe(0);
    expect(tiling.count(10, 0)).toBe(0);
    expect([...tiling.tiles(0, 10)]).toEqual([]);
    expect([...tiling.tiles(10, 0)]).toEqual([]);
  });

  it('cuts into single cells where the area allows no more', () => {
    expect(new Tiling(1).count(7, 11)).toBe(77);
    expect(new Tiling(0.5).count(7, 11)).toBe(77);
  });
});
