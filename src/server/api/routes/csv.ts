type Cell = string | number | boolean | null;

/** Rows as CSV (RFC 4180): texts are always quoted. Readers that guess types guess all the same: of T alone, that it is true. */
export function stringify(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [columns.map(quoted), ...rows.map((row) => row.map(format))];
  return `${lines.map((line) => line.join(',')).join('\r\n')}\r\n`;
}

function format(cell: Cell): string {
  if (cell === null) return '';
  // TRUE and FALSE are what R understands, too.
  return typeof cell === 'string' ? quoted(cell) : String(cell).toUpperCase();
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
