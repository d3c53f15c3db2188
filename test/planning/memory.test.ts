import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { granularities } from '../../src/catalog/index.ts';
import { Packer } from '../../src/planning/packing.ts';
import { planRequests, wantedWindows } from '../../src/planning/plan.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import { thirteenMetrics } from '../support/catalogue.ts';
import { allTokens, day, newYear } from './arbitraries.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes in use once the garbage is gone. */
function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const mebibyte = 2 ** 20;

/** Goes through a year in which everything is missing. @returns requests and the most bytes that were added */
async function planYear(take: (request: DataRequest) => void) {
  const wanted = wantedWindows(
    { start: newYear, end: newYear + 365 * day },
    granularities,
    newYear + 366 * day,
    0,
    '00:00',
  );
  const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
  const before = heapUsed();
  let requests = 0;
  let most = 0;
  const plan = planRequests(
    wanted,
    async (granularity, interval) => [{ granularity, tokens: allTokens, metrics: thirteenMetrics, interval }],
    packer,
  );
  for await (const request of plan) {
    take(request);
    if (++requests % 6000 === 0) most = Math.max(most, heapUsed() - before);
  }
  return { requests, most };
}

describe('the plan of a year of everything', () => {
  it('holds one stretch at a time in memory', async () => {
    const { requests, most } = await planYear(() => {});
    // 365 days × 127 windows × 200 tokens × 13 metrics, 2,000 at a time.
    expect(requests).toBeGreaterThanOrEqual(60_262);
    expect(requests).toBeLessThanOrEqual(1.01 * 60_262);

    const kept: DataRequest[] = [];
    const all = await planYear((request) => kept.push(request));
    expect(kept).toHaveLength(requests);
    expect(most).toBeLessThan(8 * mebibyte);
    expect(most).toBeLessThan(all.most / 3);
  });
});
