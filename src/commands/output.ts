import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { formatBeijing } from '../beijing.ts';

/** How results and progress look; results go to stdout, progress to stderr. */

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
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
  for (const row of rows) table.push(row.map(String));
  process.stdout.write(`${table.toString().replaceAll(/[ \t]+$/gm, '')}\n`);
}

export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
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
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** `yyyy-MM-dd HH:mm` in Beijing. */
export function beijing(instant: number | undefined): string {
  return instant === undefined ? '-' : formatBeijing(instant).slice(0, 16);
}

/** Progress of long work, counted in values: a bar for a person, a line now and then for a log. */
export interface Progress {
  update(done: number, calls: number): void;
  stop(): void;
}

export function showProgress(label: string, total: number): Progress {
  return process.stderr.isTTY === true ? progressBar(label, total) : progressLines(label, total);
}

function describe(done: number, total: number, started: number): string {
  const seconds = (performance.now() - started) / 1000;
  const rate = done / Math.max(seconds, 0.001);
  const remaining = done === 0 ? '?' : duration((total - done) / rate);
  return `${count(rate)} values/s, ${remaining} left`;
}

function progressBar(label: string, total: number): Progress {
  const started = performance.now();
  const bar = new SingleBar({
    format: `${label} [{bar}] {percentage}%  {speed}  {calls} calls`,
    barsize: 18,
    hideCursor: true,
    clearOnComplete: false,
    stopOnComplete: false,
    stream: process.stderr,
    fps: 5,
  });
  bar.start(total, 0, { speed: '', calls: '0' });
  return {
    update: (done, calls) =>
      bar.update(Math.min(done, total), { speed: describe(done, total, started), calls: count(calls) }),
    stop: () => bar.stop(),
  };
}

const lineInterval = 10_000;

function progressLines(label: string, total: number): Progress {
  const started = performance.now();
  let last = started;
  return {
    update: (done, calls) => {
      if (performance.now() - last < lineInterval) return;
      last = performance.now();
      const percent = Math.floor((done / Math.max(1, total)) * 100);
      process.stderr.write(
        `${label}: ${percent}%, ${describe(done, total, started)}, ${count(calls)} calls\n`,
      );
    },
    stop: () => {},
  };
}
