import type { Coverage } from '../../server/api/types.ts';

/**
 * Draws cells on a canvas. All cells are painted once into a picture with one pixel each; showing any part of it at any
 * size is then a single copy, whatever their number.
 */

export const colours: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  filled: ['#2da44e', '#2ea043'],
  sparse: ['#8ddb8c', '#1f6f34'],
  partly: ['#f0c33c', '#c69026'],
  missing: ['#e9825b', '#c4532d'],
  failed: ['#d1242f', '#f85149'],
  quarantined: ['#a475f9', '#8957e5'],
  'not entitled': ['#7a8490', '#6e7681'],
  empty: ['#b6d7f2', '#1d3b57'],
  'before history': ['#e3e8ee', '#242b35'],
  unavailable: ['#c9d1d9', '#3a424d'],
  none: ['#00000000', '#00000000'],
};

/** What part of the map is shown, in cells; may be fractions. */
export interface Frame {
  readonly column: number;
  readonly row: number;
  readonly columns: number;
  readonly rows: number;
}

export interface Rectangle {
  readonly fromColumn: number;
  readonly toColumn: number;
  readonly fromRow: number;
  readonly toRow: number;
}

/** The whole map as a picture of one pixel a cell. */
export function paint(coverage: Coverage, isDark: boolean): HTMLCanvasElement {
  const picture = document.createElement('canvas');
  picture.width = Math.max(1, coverage.columns);
  picture.height = Math.max(1, coverage.rows.length);
  const context = picture.getContext('2d');
  if (context === null) return picture;
  const image = context.createImageData(picture.width, picture.height);
  const bytes = new Map(
    Object.entries(coverage.legend).map(([letter, state]) => [
      letter,
      rgba(colours[state]?.[isDark ? 1 : 0] ?? '#0000'),
    ]),
  );
  coverage.rows.forEach(({ cells }, row) => {
    for (let column = 0; column < cells.length; column++) {
      const colour = bytes.get(cells.charAt(column));
      if (colour !== undefined) image.data.set(colour, (row * picture.width + column) * 4);
    }
  });
  context.putImageData(image, 0, 0);
  return picture;
}

function rgba(hex: string): [number, number, number, number] {
  const at = (index: number) => Number.parseInt(hex.slice(index, index + 2), 16);
  return [at(1), at(3), at(5), hex.length > 7 ? at(7) : 255];
}

/** Shows a part of the picture, with the names of rows that have room for one. */
export function draw(
  canvas: HTMLCanvasElement,
  picture: HTMLCanvasElement,
  frame: Frame,
  names: readonly string[],
  selection: Rectangle | undefined,
): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, frame.column, frame.row, frame.columns, frame.rows, 0, 0, width, height);
  const cellWidth = width / frame.columns;
  const cellHeight = height / frame.rows;
  const scale = devicePixelRatio;
  if (cellHeight >= 13 * scale) {
    context.font = `${11 * scale}px system-ui, sans-serif`;
    context.textBaseline = 'middle';
    for (
      let row = Math.max(0, Math.floor(frame.row));
      row < Math.min(names.length, frame.row + frame.rows);
      row++
    ) {
      const y = (row + 0.5 - frame.row) * cellHeight;
      const name = names[row] ?? '';
      context.fillStyle = '#000b';
      context.fillRect(0, y - 7 * scale, context.measureText(name).width + 8 * scale, 14 * scale);
      context.fillStyle = '#fff';
      context.fillText(name, 4 * scale, y + scale / 2);
    }
  }
  if (selection !== undefined) {
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 2 * scale;
    context.strokeRect(
      (selection.fromColumn - frame.column) * cellWidth,
      (selection.fromRow - frame.row) * cellHeight,
      (selection.toColumn - selection.fromColumn) * cellWidth,
      (selection.toRow - selection.fromRow) * cellHeight,
    );
  }
}

/** The same part larger or smaller around a point, within the map. @param x @param y the point, 0 to 1 of the frame */
export function zoomed(
  frame: Frame,
  factor: number,
  x: number,
  y: number,
  columns: number,
  rows: number,
): Frame {
  const width = Math.min(columns, Math.max(4, frame.columns * factor));
  const height = Math.min(rows, Math.max(4, frame.rows * factor));
  return within(
    {
      column: frame.column + (frame.columns - width) * x,
      row: frame.row + (frame.rows - height) * y,
      columns: width,
      rows: height,
    },
    columns,
    rows,
  );
}

/** The frame moved back into the map. */
export function within(frame: Frame, columns: number, rows: number): Frame {
  const clamp = (value: number, most: number) => Math.min(Math.max(0, most), Math.max(0, value));
  return {
    ...frame,
    column: clamp(frame.column, columns - frame.columns),
    row: clamp(frame.row, rows - frame.rows),
  };
}
