/**
 * Cuts a grid of `width` × `height` cells into as few rectangles of at most `area` cells as guillotine cuts allow:
 * the arithmetic under the packing of requests, where width counts tokens and height counts windows.
 */

/** A rectangle of the grid: columns `left` to `right`, rows `top` to `bottom`, both half-open. */
export interface Tile {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** How a grid is cut: a block of equal tiles, and what remains beside and below it, cut in turn. */
interface Cut {
  readonly count: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Whether the rest beside the block runs the full height; else the rest below runs the full width. */
  readonly besideIsFull: boolean;
}

/** Remembers what it has worked out: make one for each area and use it again. */
export class Tiling {
  readonly #area: number;
  readonly #cuts = new Map<number, Cut>();

  /** @param area most cells of a tile, at least 1 */
  constructor(area: number) {
    this.#area = Math.max(1, Math.floor(area));
  }

  /** How many tiles the grid takes. */
  count(width: number, height: number): number {
    if (width <= 0 || height <= 0) return 0;
    return this.#cut(width, height).count;
  }

  /** The tiles of the grid: they cover it and do not overlap. */
  *tiles(width: number, height: number, left = 0, top = 0): Generator<Tile> {
    if (width <= 0 || height <= 0) return;
    const { tileWidth, tileHeight, besideIsFull } = this.#cut(width, height);
    const columns = Math.floor(width / tileWidth);
    const rows = Math.floor(height / tileHeight);
    const blockWidth = columns * tileWidth;
    const blockHeight = rows * tileHeight;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const x = left + column * tileWidth;
        const y = top + row * tileHeight;
        yield { left: x, right: x + tileWidth, top: y, bottom: y + tileHeight };
      }
    }
    const beside = besideIsFull ? height : blockHeight;
    const below = besideIsFull ? blockWidth : width;
    yield* this.tiles(width - blockWidth, beside, left + blockWidth, top);
    yield* this.tiles(below, height - blockHeight, left, top + blockHeight);
  }

  #cut(width: number, height: number): Cut {
    const area = this.#area;
    const key = width * 0x1_0000_0000 + height;
    const known = this.#cuts.get(key);
    if (known !== undefined) return known;

    const lowerBound = Math.ceil((width * height) / area);
    let best: Cut | undefined;
    // Narrow tiles first: where two cuts are equally good, few tokens and many windows touch few rows of the ledger and
    // few segments of a compressed chunk.
    for (let tileWidth = 1; tileWidth <= Math.min(width, area); tileWidth++) {
      const tileHeight = Math.min(height, Math.floor(area / tileWidth));
      const wasteful = tileWidth * tileHeight * 10 < area * 9;
      // A tile that wastes a tenth of the limit only makes sense where it spans the grid.
      if (wasteful && tileWidth < width && tileHeight < height) continue;
      const cut = this.#cutInto(
        width,
        height,
        tileWidth,
        tileHeight,
        best?.count ?? Number.POSITIVE_INFINITY,
      );
      if (cut !== undefined && (best === undefined || cut.count < best.count)) best = cut;
      if (best?.count === lowerBound) break;
    }
    if (best === undefined) throw new RangeError(`no cut for ${width} × ${height} into ${area}`);
    this.#cuts.set(key, best);
    return best;
  }

  #cutInto(
    width: number,
    height: number,
    tileWidth: number,
    tileHeight: number,
    limit: number,
  ): Cut | undefined {
    const columns = Math.floor(width / tileWidth);
    const rows = Math.floor(height / tileHeight);
    const block = columns * rows;
    const besideWidth = width - columns * tileWidth;
    const belowHeight = height - rows * tileHeight;
    const rest = width * height - block * tileWidth * tileHeight;
    if (block + Math.ceil(rest / this.#area) >= limit) return undefined;
    const besideFull = this.count(besideWidth, height) + this.count(width - besideWidth, belowHeight);
    const belowFull = this.count(besideWidth, height - belowHeight) + this.count(width, belowHeight);
    const besideIsFull = besideFull <= belowFull;
    return { count: block + Math.min(besideFull, belowFull), tileWidth, tileHeight, besideIsFull };
  }
}
