import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { Milliseconds } from './time.ts';

/** Room for new objects, in bytes: with less of it many are taken for old ones that are only waiting to be stored. */
const roomForNew = 8 * 1024 * 1024;

/** While modules are loaded nearly everything is kept, and collecting would be in vain. */
const loadingTime: Milliseconds = 1000;

/**
 * Keeps the heap of this process close to what it holds. Left to itself, V8 lets garbage grow to several times of that where
 * the machine has memory: a worker that holds 50 MB grew to 400 MB within a minute, and spent more time on getting pages
 * from the system than on collecting.
 */
export function keepHeapSmall(): void {
  // Old objects are collected once there are 30 % more of them than the last time.
  setTimeout(() => setFlagsFromString('--heap-growing-percent=30'), loadingTime).unref();
  // The room for new ones doubles with need. V8 takes its end from the command line only.
  const observer = new PerformanceObserver(() => {
    const room = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    if (room !== undefined && room.space_size < roomForNew) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
}
