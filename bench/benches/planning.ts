import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Granularity, granularities } from '../../src/catalog/index.ts';
import { Packer } from '../../src/planning/packing.ts';
import { planRequests, type WantedWindows, wantedWindows } from '../../src/planning/plan.ts';
import { thousands } from '../figure.ts';
import { v1Metrics } from '../recorder/index.ts';
import type { Bench, World } from '../world.ts';

const day = 86_400_000;
const newYear = Date.parse('2025-01-01T00:00:00Z');

/** Bytes in use once the garbage is gone. */
function heapReader(): () => number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  return () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
}

interface Planned {
  readonly requests: number;
  readonly firstAfter: number;
  readonly milliseconds: number;
  /** Most bytes of the first and of the last quarter, above what was there before. */
  readonly early: number;
  readonly late: number;
}

async function planAll(world: World, wanted: WantedWindows, heapUsed: () => number): Promise<Planned> {
  const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
  const nothingYet = async (granularity: Granularity, interval: { start: number; end: number }) => [
    { granularity, interval, tokens: world.tokens, metrics: v1Metrics },
  ];
  const before = heapUsed();
  const started = performance.now();
  const held: number[] = [];
  let requests = 0;
  let firstAfter = 0;
  let looking = 0;
  for await (const _ of planRequests(wanted, nothingYet, packer)) {
    if (requests++ === 0) firstAfter = performance.now() - started;
    if (requests % 5000 !== 0) continue;
    const paused = performance.now();
    held.push(heapUsed() - before);
    looking += performance.now() - paused;
  }
  const half = Math.ceil(held.length / 2);
  return {
    ...{ requests, firstAfter, milliseconds: performance.now() - started - looking },
    early: Math.max(0, ...held.slice(0, half)),
    late: Math.max(0, ...held.slice(half)),
  };
}

export const planning: Bench = {
  name: 'planning',
  about: 'a year of all granularities over an empty ledger',
  needsDatabase: false,
  async run(world) {
    const days = 365;
    const range = { start: newYear, end: newYear + days * day };
    const wanted = wantedWindows(range, granularities, newYear + (days + 1) * day, 0, '08:00');
    const { requests, firstAfter, milliseconds, early, late } = await planAll(world, wanted, heapReader());
    const scope = `${world.size.tokens} tokens, ${days} days, ${thousands(requests)} requests`;
    const growth = late - early;
    return [
      { name: 'first request after', value: firstAfter, unit: 'ms', goal: { atMost: 200 }, detail: scope },
      {
        name: 'requests planned',
        value: (requests / milliseconds) * 1000,
        unit: '/s',
        goal: { atLeast: 10_000 },
        detail: scope,
      },
      {
        name: 'memory held more by the second half than by the first',
        value: Math.max(0, growth / 1e6),
        unit: 'MB',
        goal: { atMost: 4 },
        detail: `${(early / 1e6).toFixed(1)} MB, then ${(late / 1e6).toFixed(1)} MB`,
      },
    ];
  },
};
