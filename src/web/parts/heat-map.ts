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

export interface Drawing {
  /** As {@link paint} has made it. */
  readonly picture: HTMLCanvasElement;
  readonly frame: Frame;
  readonly tokens: readonly string[];
  /** The name of a column. */
  readonly labelOf: (column: number) => string;
  readonly selection: Rectangle | undefined;
}

/** Shows a part of the picture, with the names of rows that have room for one, and of some columns below. */
export function draw(canvas: HTMLCanvasElement, drawing: Drawing): void {
  const { picture, frame, selection } = drawing;
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, frame.column, frame.row, frame.columns, frame.rows, 0, 0, width, height);
  const cellWidth = width / frame.columns;
  const cellHeight = height / frame.rows;
  context.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  nameRows(context, drawing, cellHeight);
  nameColumns(context, drawing, cellWidth);
  if (selection !== undefined) {
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeRect(
      (selection.fromColumn - frame.column) * cellWidth,
      (selection.fromRow - frame.row) * cellHeight,
      (selection.toColumn - selection.fromColumn) * cellWidth,
      (selection.toRow - selection.fromRow) * cellHeight,
    );
  }
}

/** Every row where there is room, else those at even distances. */
function nameRows(context: CanvasRenderingContext2D, { frame, tokens }: Drawing, cellHeight: number): void {
  const first = Math.max(0, Math.floor(frame.row));
  const end = Math.min(tokens.length, frame.row + frame.rows);
  const step = Math.max(1, Math.ceil((23 * devicePixelRatio) / cellHeight));
  for (let row = Math.ceil(first / step) * step; row < end; row += step) {
    const y = Math.max(8 * devicePixelRatio, (row + 0.5 - frame.row) * cellHeight);
    // The names of columns are below.
    if (y < context.canvas.height - 26 * devicePixelRatio) write(context, tokens[row] ?? '', 0, y);
  }
}

/** Columns at even distances, on the lower edge. */
function nameColumns(
  context: CanvasRenderingContext2D,
  { frame, labelOf }: Drawing,
  cellWidth: number,
): void {
  const { width, height } = context.canvas;
  const end = frame.column + frame.columns;
  const room = context.measureText(labelOf(0)).width + 28 * devicePixelRatio;
  const step = Math.max(1, Math.ceil(room / cellWidth));
  for (let column = Math.ceil(frame.column / step) * step; column < end; column += step) {
    const x = (column - frame.column) * cellWidth;
    if (x + room <= width) write(context, labelOf(column), x, height - 8 * devicePixelRatio);
  }
}

/** Writes on a dark ground, so that it can be read on every colour. */
function write(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  const scale = devicePixelRatio;
  context.fillStyle = '#000b';
  context.fillRect(x, y - 8 * scale, context.measureText(text).width + 8 * scale, 16 * scale);
  context.fillStyle = '#fff';
  context.fillText(text, x + 4 * scale, y + scale / 2);
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
