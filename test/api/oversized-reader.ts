import { decodeAnswer } from '../../src/api/decode.ts';
import { asToken, metricCodes, windowLength } from '../../src/catalog/index.ts';
import { clientFor, question } from './server.ts';

/**
 * A process that asks a server for answers and decodes them, to be run with a small heap.
 * Arguments: the server's address and how many answers it has, each under its number as a path. Prints one
 * line of JSON for each.
 */

const [url = '', count = '0'] = process.argv.slice(2);
const start = Date.UTC(2024, 11, 31, 16);
const asked = {
  ...question,
  tokens: [asToken('BTC')],
  metrics: metricCodes,
  interval: { start, end: start + 20_000 * windowLength['1h'] },
};

for (let number = 0; number < Number(count); number++) {
  const retry = { attempts: 1, firstDelay: 1, longestDelay: 1 };
  const client = clientFor(`${url}/${number}`, { retry, timeout: 60_000 });
  let outcome: string;
  try {
    const { values, rejects } = decodeAnswer(await client.fetchMetrics(question), asked);
    outcome = `${values} values, ${rejects.length} rejects`;
  } catch (error) {
    outcome = error instanceof Error ? error.message : String(error);
  }
  // In kilobytes.
  const memory = process.resourceUsage().maxRSS;
  process.stdout.write(`${JSON.stringify({ outcome, memory })}\n`);
}
