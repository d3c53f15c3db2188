import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../figure.ts';
import { startPipeline } from '../pipeline.ts';
import type { Bench, World } from '../world.ts';

/** Seconds of processor time, user and system, of a command. */
function processorTime(cli: string, ...args: readonly string[]): number {
  // A shell tells what its children took; node does not.
  const shell = '"$0" "$@" >/dev/null 2>&1; times';
  const { stdout } = spawnSync('sh', ['-c', shell, process.execPath, cli, ...args], { encoding: 'utf8' });
  // Its own time is the first line, that of its children the second.
  const parts = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/** Seconds until a demo with a day of history has filled it and ended, from nothing. */
async function demo(world: World): Promise<number> {
  const started = performance.now();
  const folder = world.folder('demo');
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [(await world.program()).cli, 'demo', '--days', '1', '--exit'], {
    ...{ cwd: folder, stdio: 'ignore' },
    env: { PATH, HOME, DATA_DIR: folder, LOG_LEVEL: 'error' },
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`the demo ended with ${code}`);
  return (performance.now() - started) / 1000;
}

/** Seconds from starting the program to its first question about values. */
async function firstCall(world: World): Promise<number> {
  const recorder = await world.recorder();
  const database = await world.database();
  await world.program();
  await recorder.control({ reset: true });
  const started = Date.now();
  const pipeline = await startPipeline(world, recorder, database, {});
  try {
    for (;;) {
      const { firstAt } = await recorder.control();
      if (firstAt > 0) return (firstAt - started) / 1000;
      await sleep(50);
    }
  } finally {
    await pipeline.stop();
  }
}

export const start: Bench = {
  name: 'start',
  about: 'how soon the program does something',
  needsDatabase: true,
  async run(world) {
    const { cli } = await world.program();
    const help = Array.from({ length: world.size.rounds }, () => processorTime(cli, '--help'));
    return [
      {
        ...{ name: '--help, processor time', value: median(help), unit: 's', goal: { atMost: 0.3 } },
        detail: `${help.length} runs`,
      },
      {
        ...{ name: 'start to first call', value: await firstCall(world), unit: 's', goal: { atMost: 2 } },
        detail: 'on a migrated database',
      },
      {
        ...{ name: 'demo from nothing to its end', value: await demo(world), unit: 's', goal: { atMost: 8 } },
        detail: 'a day of history; the goal is about its first rows',
      },
    ];
  },
};
