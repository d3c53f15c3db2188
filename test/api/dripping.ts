import { setTimeout as sleep } from 'node:timers/promises';
import { createFetch } from '../../src/proxy.ts';
import { clientFor, failureOf } from './server.ts';

/**
 * A process that asks a server which sends a byte now and then, and collects garbage meanwhile. To be run with
 * `--expose-gc`. Arguments: the server's address, and maybe that of a proxy. Prints the failure and how long it took, in milliseconds.
 */

const [url = '', proxy] = process.argv.slice(2);
const retry = { attempts: 1, firstDelay: 1, longestDelay: 1 };
const began = performance.now();
let isDone = false;
const call = failureOf(clientFor(url, { timeout: 1000, retry, fetch: createFetch({ http: proxy }) })).finally(
  () => {
    isDone = true;
  },
);
while (!isDone) {
  await sleep(50);
  globalThis.gc?.();
}
const { failure } = await call;
process.stdout.write(JSON.stringify({ message: failure.message, took: performance.now() - began }));
process.exit();
