import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults } from '../../src/simulator/index.ts';
import type { Fault } from './fault.ts';

/** The API fails in one way for the share of all calls, until enough of them have failed. */
function apiFault(name: string, faults: Faults): Fault {
  return {
    name: `API: ${name}`,
    strike: async (world) => {
      world.simulator.setFaults(faults);
      await world.answered(20);
      world.simulator.setFaults({});
    },
  };
}

const some = { probability: 0.3 };

export const apiFaults: readonly Fault[] = [
  apiFault('HTTP 500', { error500: some }),
  apiFault('HTTP 503', { error503: some }),
  apiFault('HTTP 429 with Retry-After', { throttle: { probability: 0.1, retryAfterSeconds: 1 } }),
  apiFault('code 429 in the envelope', { throttle: { probability: 0.2, as: 'body' } }),
  apiFault('connection cut before the answer', { cutConnection: { ...some, at: 'before' } }),
  apiFault('connection cut within the answer', { cutConnection: { ...some, at: 'halfway' } }),
  apiFault('answers that are no JSON', { garbage: { ...some, as: 'text' } }),
  apiFault('answers that cannot be decrypted', { garbage: { ...some, as: 'payload' } }),
  apiFault('codes that nobody knows', { unknownCode: some }),
  apiFault('answers cut short and filled with other windows', { cutShort: some }),
  apiFault('bodies that come a byte at a time', { drip: { probability: 0.1, milliseconds: 100 } }),
  apiFault('slow answers', { slow: { probability: 0.4, milliseconds: 700 } }),
  {
    name: 'API: records above the limit cut off without a word',
    strike: async (world) => {
      // The window at the end of the range is answered, too: more than was counted on.
      world.simulator.configure({ overLimit: 'cut', rangeEnd: 'inclusive' });
      await world.answered(20);
      world.simulator.configure({ overLimit: 'error', rangeEnd: 'exclusive' });
    },
  },
  {
    name: 'API: access refused, and granted again',
    strike: async (world) => {
      world.simulator.refuseEndpoint('endpoint');
      await world.until('the breaker is open', async () => {
        const { rowCount } = await world.database.pool.query('select from cryptoracle.breaker');
        return rowCount === 1;
      });
      await sleep(500);
      world.simulator.allowEndpoint('endpoint');
      // Starting a process makes a probe due, which otherwise comes within a minute.
      await Promise.all(world.workers.map((worker) => worker.kill()));
    },
  },
];
