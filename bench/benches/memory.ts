import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBeijingDate } from '../../src/beijing.ts';
import type { Figure } from '../figure.ts';
import { median } from '../figure.ts';
import { load } from '../load.ts';
import { startPipeline } from '../pipeline.ts';
import type { Bench, World } from '../world.ts';

const yearAgo = () => formatBeijingDate(Date.now() - 365 * 86_400_000);

/** Megabytes that a process holds, or held at most; NaN once it has ended. */
function memoryOf(pid: number | undefined, what: 'VmRSS' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return (Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** A worker by itself, while another process plans a year of everything for it. */
async function watchWorker(world: World): Promise<readonly Figure[]> {
  const recorder = await world.recorder();
  const database = await world.database();
  const settings = { HISTORY_START: yearAgo() };
  const scheduler = await startPipeline(world, recorder, database, settings, ['--role', 'scheduler']);
  const worker = await startPipeline(world, recorder, database, settings, ['--role', 'worker']);
  const held: number[] = [];
  let served = 0;
  try {
    await Promise.all([scheduler.ready(), worker.ready()]);
    const end = Date.now() + world.size.watched;
    while (Date.now() < end) {
      await sleep(250);
      held.push(memoryOf(worker.pid, 'VmRSS'));
    }
    served = (await recorder.control()).served;
  } finally {
    await Promise.all([scheduler.stop(), worker.stop()]);
  }
  const half = Math.floor(held.length / 2);
  const growth = median(held.slice(half)) - median(held.slice(0, half));
  const detail = `${served} calls in ${world.size.watched / 1000} s of a year's history`;
  return [
    { name: 'worker, at most', value: Math.max(...held), unit: 'MB', goal: { atMost: 160 }, detail },
    { name: 'worker, later half more than earlier', value: growth, unit: 'MB', goal: { atMost: 20 }, detail },
  ];
}

async function mostOf(child: ChildProcess): Promise<number> {
  let most = 0;
  while (child.exitCode === null && child.signalCode === null) {
    most = Math.max(most, memoryOf(child.pid, 'VmHWM') || 0);
    await sleep(20);
  }
  if (child.exitCode !== 0) throw new Error(`the export ended with ${child.exitCode ?? child.signalCode}`);
  return most;
}

async function watchExport(world: World, format: 'csv' | 'parquet'): Promise<Figure> {
  const database = await world.database();
  const days = Math.min(90, world.size.loadedDays);
  await load(database, { days, tokens: world.tokens });
  const file = join(world.folder('export'), `values.${format}`);
  const { PATH = '' } = process.env;
  const child = spawn(
    process.execPath,
    [(await world.program()).cli, 'export', '--granularity', '15m', '--output', file],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH, DATABASE_URL: database.url, LOG_LEVEL: 'error' } },
  );
  return {
    ...{
      name: `export to ${format}, at most`,
      value: await mostOf(child),
      unit: 'MB',
      goal: { atMost: 200 },
    },
    detail: `15m of ${world.size.tokens} tokens in ${days} days`,
  };
}

export const memory: Bench = {
  name: 'memory',
  about: 'the resident memory of processes of the program',
  needsDatabase: true,
  async run(world) {
    const names = ['worker, at most', 'export to csv, at most', 'export to parquet, at most'];
    if (process.platform !== 'linux') {
      return names.map((name) => ({
        name,
        unit: 'MB',
        goal: { atMost: 160 },
        absent: 'there is no /proc here',
      }));
    }
    const worker = await watchWorker(world);
    return [...worker, await watchExport(world, 'csv'), await watchExport(world, 'parquet')];
  },
};
