import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { formatBeijing } from '../beijing.ts';
import type { Granularity } from '../catalog/index.ts';
import { visible, visibleJson, visibleLine } from '../terminal.ts';

/** How results and progress look; results go to stdout, progress to stderr. Nothing else writes what a person reads. */

export function writeOut(text: string): void {
  process.stdout.write(visible(text));
}

export function writeErr(text: string): void {
  process.stderr.write(visible(text));
}

export function printJson(value: unknown): void {
  process.stdout.write(`${visibleJson(JSON.stringify(value, null, 2))}\n`);
}

/** Prints a table without frames: narrow enough for 80 columns, easy to cut with other tools. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const none = Object.fromEntries(
    ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
      .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
      .map((part) => [part, '']),
  );
  const isNumber = head.map((_, column) =>
    rows.every((row) => /^[-+\d.,% ]*$/.test(String(row[column] ?? ''))),
  );
  const table = new Table({
    head: [...head],
    colAligns: isNumber.map((right) => (right ? 'right' : 'left')),
    chars: { ...none, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map((cell) => visibleLine(String(cell))));
  writeOut(`${table.toString().replaceAll(/[ \t]+$/gm, '')}\n`);
}

export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

/** A part of a whole. It is never rounded up to 100 %: full means full. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${(Math.floor((part / whole) * 10_000) / 100).toFixed(2)}%`;
}

/** A number of things that have a name: `1 gap`, `2,000 gaps`. */
export function counted(number: number, thing: string): string {
  return `${count(number)} ${thing}${number === 1 ? '' : 's'}`;
}

export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return `${(size / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** `yyyy-MM-dd HH:mm` in Beijing. */
export function beijing(instant: number | undefined): string {
  return instant === undefined ? '-' : formatBeijing(instant).slice(0, 16);
}

/** How far long work is. */
export interface Step {
  /** Values that are there, of all that were missing. */
  readonly done: number;
  readonly calls: number;
  /** The granularity that is being filled. */
  readonly granularity: Granularity;
  /** Milliseconds since the epoch. */
  readonly from: number;
}

/** Progress of long work, counted in values: a bar for a person, a line now and then for a log. */
export interface Progress {
  update(step: Step): void;
  stop(): void;
}

/** @param done values that were there when the work began, or was taken up again */
export function showProgress(label: string, total: number, done = 0): Progress {
  const started = performance.now();
  const speed = (now: number) => {
    const seconds = (performance.now() - started) / 1000;
    const rate = (now - done) / Math.max(seconds, 0.001);
    return `${count(rate)} values/s, ${now === done ? '?' : duration((total - now) / rate)} left`;
  };
  return process.stderr.isTTY === true
    ? progressBar(label, total, done, speed)
    : progressLines(label, total, speed);
}

/** Says what a fill is at, in the fewest characters. */
function describePlace(granularity: Granularity, from: number): string {
  return `at ${granularity} ${beijing(from).slice(0, 10)}`;
}

function progressBar(label: string, total: number, begun: number, speed: (done: number) => string): Progress {
  const bar = new SingleBar({
    // With a rate of six digits as wide as a terminal of 80 columns takes.
    format: `${label} [{bar}] {percentage}%  {speed}  {place}`,
    barsize: 10,
    hideCursor: true,
    clearOnComplete: false,
    stopOnComplete: false,
    stream: process.stderr,
    fps: 5,
  });
  bar.start(total, begun, { speed: '', place: '' });
  return {
    update: ({ done, granularity, from }) =>
      bar.update(Math.min(done, total), { speed: speed(done), place: describePlace(granularity, from) }),
    stop: () => bar.stop(),
  };
}

const lineInterval = 10_000;

function progressLines(label: string, total: number, speed: (done: number) => string): Progress {
  let last = performance.now();
  return {
    update: ({ done, calls, granularity, from }) => {
      if (performance.now() - last < lineInterval) return;
      last = performance.now();
      const percent = Math.floor((done / Math.max(1, total)) * 100);
      writeErr(
        `${label}: ${percent}%, ${speed(done)}, ${count(calls)} calls, ${describePlace(granularity, from)}\n`,
      );
    },
    stop: () => {},
  };
}
