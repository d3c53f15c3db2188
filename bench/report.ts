import { cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import { type Figure, type Goal, isMeasured, meets, type Result, thousands, type Unit } from './figure.ts';

/** What is printed of the results, for people and for programs. */

function amount(value: number, unit: Unit): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? thousands(value) : value.toPrecision(3);
  return unit === '×' ? digits : `${digits} ${unit}`;
}

const goalText = (goal: Goal, unit: Unit) =>
  'atLeast' in goal ? `≥ ${amount(goal.atLeast, unit)}` : `≤ ${amount(goal.atMost, unit)}`;

const verdict = (figure: Figure) => (!isMeasured(figure) ? 'absent' : meets(figure) ? 'ok' : 'short');

const header = ['bench', 'on', 'figure', 'goal', 'result', '', 'measured'] as const;

function line({ bench, server = '', figure }: Result): string[] {
  const result = isMeasured(figure) ? amount(figure.value, figure.unit) : '–';
  const detail = isMeasured(figure) ? figure.detail : figure.absent;
  return [bench, server, figure.name, goalText(figure.goal, figure.unit), result, verdict(figure), detail];
}

export function tableOf(results: readonly Result[]): string {
  const table = new Table({ head: [...header], style: { head: [], border: [] }, wordWrap: true });
  for (const result of results) table.push(line(result));
  return table.toString();
}

interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory: string;
  readonly node: string;
}

const machine = (): Machine => ({
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  node: process.version,
});

export function jsonOf(results: readonly Result[], size: string) {
  return {
    at: new Date().toISOString(),
    size,
    machine: machine(),
    results: results.map(({ bench, server, figure }) => ({
      ...{ bench, server, ...figure },
      verdict: verdict(figure),
    })),
  };
}

const cells = (texts: readonly string[]) =>
  `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;

export function markdownTable(results: readonly Result[]): string {
  return [
    cells(header),
    cells(header.map(() => '---')),
    ...results.map((result) => cells(line(result))),
  ].join('\n');
}

const begin = '<!-- results: written by `npm run bench -- --write` -->';
const end = '<!-- end of results -->';

/** The document with its part between the marks replaced; all else in it is written by hand. */
export function withResults(document: string, results: readonly Result[], size: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no part from '${begin}' to '${end}'`);
  const { processor, cores, memory, node } = machine();
  const about =
    `${new Date().toISOString().slice(0, 10)}, size \`${size}\`: ${processor}, ${cores} cores, ${memory}, Node ${node}.` +
    ' Everything, the database, the stand-in API and the program, shares these cores.';
  return `${document.slice(0, from)}${begin}\n${about}\n\n${markdownTable(results)}\n${document.slice(to)}`;
}
