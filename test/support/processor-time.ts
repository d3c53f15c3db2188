import { expect } from 'vitest';

/**
 * Expects work that does not wait to be done in no time, whatever else the machine is busy with: what grows with the square of
 * its input takes many times as long.
 */
export function expectQuick<T>(work: () => T): T {
  const began = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1000).toBeLessThan(4000);
  return result;
}
