import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const module = fileURLToPath(new URL('../src/heap.ts', import.meta.url));

/**
 * Takes up and lets go 100,000 objects again and again, as a worker does with answers, some time after it was started. Tells
 * how large its heap became, in megabytes.
 */
const churn = `
  await new Promise((done) => setTimeout(done, 1100));
  let kept = [];
  let largest = 0;
  for (let made = 0; made < 1_500_000; made++) {
    kept.push({ made, list: [made] });
    if (kept.length === 100_000) kept = [];
    if (made % 10_000 !== 0) continue;
    largest = Math.max(largest, process.memoryUsage().heapTotal / 1e6);
    await new Promise((done) => setImmediate(done));
  }
  console.log(largest);`;

function largestHeap(code: string): number {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', code];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return z.coerce.number().positive().parse(stdout.trim());
}

describe('the heap', () => {
  it('stays close to what it holds, and is a fraction of what it would be', () => {
    const kept = largestHeap(
      `import { keepHeapSmall } from ${JSON.stringify(module)}; keepHeapSmall(); ${churn}`,
    );
    const usual = largestHeap(churn);
    expect(kept).toBeLessThan(0.6 * usual);
  });
});
