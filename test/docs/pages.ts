import { readdirSync, readFileSync } from 'node:fs';

/** The pages under `docs/` and README, and the SQL on them. */

export const root = new URL('../../', import.meta.url);
export const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
/** Lines wrap where they please. */
export const flat = (text: string) => text.replaceAll(/\s+/g, ' ');

/** The SQL of a page, each block under the heading that it answers. */
function sqlBlocks(path: string): { readonly question: string; readonly sql: string }[] {
  return read(path)
    .split(/^#+ /m)
    .flatMap((section) =>
      [...section.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql = '']) => ({
        question: `${path}: ${section.slice(0, section.indexOf('\n'))}`,
        sql,
      })),
    );
}

export const cookbook = sqlBlocks('docs/cookbook.md');
export const readme = sqlBlocks('README.md');
export const metabase = readdirSync(new URL('docs/metabase/', root)).map((name) => ({
  name,
  sql: read(`docs/metabase/${name}`),
}));

/**
 * Fills Metabase's variables in; what is optional is left in. A variable is a text until somebody says that it is a
 * number, and a text is a parameter of type varchar.
 */
export function fillIn(sql: string, numbers: 'as numbers' | 'as texts'): string {
  const number = (digits: string) => (numbers === 'as numbers' ? digits : `'${digits}'::varchar`);
  const values: Readonly<Record<string, string>> = {
    ...{ granularity: "'1h'", token: "'BTC'", other_token: "'ETH'", metric: "'mention_count'" },
    ...{ label: "'ecosystem'", relation: "'metrics'", days: number('7'), least_mentions: number('1') },
  };
  return sql
    .replaceAll(/\[\[|\]\]/g, '')
    .replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? `no value for ${name}`);
}

/** The statements of a block. */
export const statementsOf = (sql: string) => sql.split(/;\s*$/m).filter((part) => part.trim() !== '');
