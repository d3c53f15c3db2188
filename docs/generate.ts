import { readFileSync } from 'node:fs';
import { type Metric, metrics } from '../src/catalog/index.ts';

/** The parts of the documentation that the catalogue decides; each stands between two comments with its name. */

const widest = 120;

/** Folds a text into lines of at most 120 characters. */
function fold(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > widest) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

const yesNo = (is: boolean) => (is ? 'yes' : 'no');

function rangeOf({ minimum, maximum }: Metric): string {
  if (minimum === null) return maximum === null ? 'any' : `at most ${maximum}`;
  return maximum === null ? `${minimum} or more` : `${minimum} to ${maximum}`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
    .replace(/^\| ---.*$/m, `|${head.map(() => '---').join('|')}|`);

const shortTable = () =>
  table(
    ['code', 'column', 'API versions', 'meaning'],
    metrics.map(({ code, column, versions, meaning }) => [
      code,
      `\`${column}\``,
      versions.join(', '),
      meaning,
    ]),
  );

const fullTable = () =>
  table(
    ['column', 'code', 'unit', 'range', 'sum', 'mean', 'API versions'],
    metrics.map((metric) => [
      `\`${metric.column}\``,
      metric.code,
      metric.unit,
      rangeOf(metric),
      yesNo(metric.summable),
      yesNo(metric.averageable),
      metric.versions.join(', '),
    ]),
  );

const paragraphs = () =>
  metrics
    .map(({ column, code, meaning, acrossWindows }) =>
      fold(`**\`${column}\`** (${code}). ${meaning}. Over windows: ${acrossWindows}.`),
    )
    .join('\n\n');

/** What stands in each page, by the name of the part. */
const pages: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'README.md': { metrics: shortTable },
  'docs/metrics.md': { 'metrics table': fullTable, 'metrics in words': paragraphs },
};

/** @throws RangeError where the page has no place for the part */
function fill(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: written by npm run docs -->`, `<!-- end of ${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new RangeError(`no place for '${name}'`);
  return `${page.slice(0, from)}${begin}\n\n${content}\n\n${page.slice(to)}`;
}

/** Every page with generated parts as it should be, by its path below `root`. */
export function generatedPages(root: URL): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(pages).map(([path, parts]) => {
      const written = readFileSync(new URL(path, root), 'utf8');
      const filled = Object.entries(parts).reduce((page, [name, part]) => fill(page, name, part()), written);
      return [path, filled];
    }),
  );
}
