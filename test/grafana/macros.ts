/**
 * What Grafana does to a query before the database sees it: variables first, then the macros of its PostgreSQL
 * datasource (Grafana's documentation, "PostgreSQL query editor", Macros).
 */

export interface View {
  readonly from: Date;
  readonly to: Date;
  /** Seconds of `$__interval`. */
  readonly interval: number;
  readonly variables: Readonly<Record<string, readonly string[]>>;
}

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** @throws Error where a variable or macro is not known */
export function expand(sql: string, view: View): string {
  const withVariables = sql.replaceAll(/\$\{(\w+)(?::(\w+))?\}|\$(?!__)(\w+)/g, (_, braced, format, bare) => {
    const values = view.variables[braced ?? bare];
    if (values === undefined) throw new Error(`no variable ${braced ?? bare}`);
    if (format !== 'sqlstring') throw new Error(`${braced ?? bare} is not quoted`);
    return values.map(quote).join(',');
  });
  const at = (instant: Date) => quote(instant.toISOString());
  const seconds = (text: string) => {
    const [, count, unit] = /^'?(\d+)([smhd])'?$/.exec(text.trim()) ?? [];
    const lengths: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
    if (unit === undefined) throw new Error(`no interval: ${text}`);
    return Number(count) * (lengths[unit] ?? 0);
  };
  const group = (column: string, interval: string) => {
    const length = seconds(interval);
    return `floor(extract(epoch from ${column})/${length})*${length}`;
  };
  const expanded = withVariables
    .replaceAll('$__interval_ms', String(view.interval * 1000))
    .replaceAll('$__interval', `${view.interval}s`)
    .replaceAll(
      /\$__timeFilter\(([^()]+)\)/g,
      (_, column) => `${column} BETWEEN ${at(view.from)} AND ${at(view.to)}`,
    )
    .replaceAll('$__timeFrom()', at(view.from))
    .replaceAll('$__timeTo()', at(view.to))
    .replaceAll(
      /\$__timeGroupAlias\(([^(),]+),([^()]+)\)/g,
      (_, column, interval) => `${group(column, interval)} AS "time"`,
    )
    .replaceAll(/\$__timeGroup\(([^(),]+),([^()]+)\)/g, (_, column, interval) => group(column, interval));
  const left = /\$\w+/.exec(expanded);
  if (left !== null) throw new Error(`not expanded: ${left[0]}`);
  return expanded;
}
