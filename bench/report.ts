import { cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import { type Figure, type Goal, isMeasured, meets, type Result, thousands, type Unit } from './figure.ts';

/** What is printed of the results, for people and for programs. */

function amount(value: number, unit: Unit): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? thousands(value) : value.toPrecision(3);
  return unit === '×' || unit === '' ? digits : `${digits} ${unit}`;
}

const goalText = (goal: Goal, unit: Unit) =>
  'atLeast' in goal ? `≥ ${amount(goal.atLeast, unit)}` : `≤ ${amount(goal.atMost, unit)}`;

const verdict = (figure: Figure) => (!isMeasured(figure) ? 'absent' : meets(figure) ? 'ok' : 'short');

const header = ['bench', 'on', 'figure', 'goal', 'result', '', 'measured'] as const;

/** @param when of which run it is, where results of several stand together */
function line({ bench, server = '', figure }: Result, when?: string): string[] {
  const result = isMeasured(figure) ? amount(figure.value, figure.unit) : '–';
  const detail = isMeasured(figure) ? figure.detail : figure.absent;
  return [
    bench,
    server,
    figure.name,
    goalText(figure.goal, figure.unit),
    result,
    verdict(figure),
    when === undefined ? detail : `${detail} (${when})`,
  ];
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

const head = [cells(header), cells(header.map(() => '---'))].join('\n');

const begin = '<!-- results: written by `npm run bench -- --write` -->';
const end = '<!-- end of results -->';

/**
 * The document with its part between the marks replaced; all else in it is written by hand. Rows of benches that were not run
 * now stay.
 */
export function withResults(document: string, results: readonly Result[], size: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no part from '${begin}' to '${end}'`);
  const { processor, cores, memory, node } = machine();
  const about =
    `${processor}, ${cores} cores, ${memory}, Node ${node}.` +
    ' Everything, the database, the stand-in API and the program, shares these cores.';
  const ran = new Set(results.map(({ bench }) => bench));
  const kept = document
    .slice(from, to)
    .split('\n')
    .filter((row) => /^\| [a-z]/.test(row) && !row.startsWith(`| ${header[0]} |`))
    .filter((row) => !ran.has(row.split(' ')[1] ?? ''));
  const when = `${new Date().toISOString().slice(0, 10)}, ${size}`;
  const rows = results.map((result) => cells(line(result, when)));
  const table = [head, ...[...rows, ...kept].toSorted(byBench)].join('\n');
  return `${document.slice(0, from)}${begin}\n${about}\n\n${table}\n${document.slice(to)}`;
}

/** Rows of one bench stay together, in the order in which it gave them. */
function byBench(a: string, b: string): number {
  const [one = '', other = ''] = [a.split(' ')[1], b.split(' ')[1]];
  return one < other ? -1 : one > other ? 1 : 0;
}
