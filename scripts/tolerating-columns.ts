/**
 * A migration that passes where a metric's column is there already: a user's file may have named the metric before it came
 * with the program (`CATALOGUE_FILE`).
 */
export function toleratingColumns(sql: string): string {
  return sql.replace(
    /^(ALTER TABLE "cryptoracle"\."metrics_\w+" ADD COLUMN) (?="\w+" double precision;)/gm,
    '$1 IF NOT EXISTS ',
  );
}
