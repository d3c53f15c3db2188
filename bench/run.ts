import { readFileSync, writeFileSync } from 'node:fs';
import { Argument, Command, Option } from 'commander';
import { removeLeftovers } from '../harness/leftovers.ts';
import { measureAll } from './measure.ts';
import { benches } from './registry.ts';
import { jsonOf, tableOf, withResults } from './report.ts';
import { type SizeName, startServers } from './world.ts';

/**
 * `npm run bench -- [NAME…]`: what the program does on this machine, each figure against a ceiling or an alternative that ran
 * beside it, with the goal. BENCH_DATABASE_URL names a further server to measure on, one with TimescaleDB.
 */

interface Options {
  readonly size: SizeName;
  readonly json?: string;
  readonly write?: string;
}

const command = new Command('bench')
  .addArgument(new Argument('[names...]', 'which; all by default').choices(benches.map(({ name }) => name)))
  .addOption(
    new Option('--size <size>', 'how much is measured').choices(['tiny', 'small', 'full']).default('full'),
  )
  .option('--json <file>', 'write the results to this file, too; - for stdout in place of the table')
  .option('--write <file>', 'put the results into this document, between its marks')
  .parse();

const { size, json, write } = command.opts<Options>();
const names = command.args;
const chosen = names.length === 0 ? benches : benches.filter(({ name }) => names.includes(name));

await removeLeftovers();
const needsDatabase = chosen.some((bench) => bench.needsDatabase);
const { servers, stop } = needsDatabase ? await startServers() : { servers: [], stop: async () => {} };
try {
  const results = await measureAll(chosen, size, servers, (line) => process.stderr.write(`${line}\n`));
  const text = `${JSON.stringify(jsonOf(results, size), null, 2)}\n`;
  process.stdout.write(json === '-' ? text : `${tableOf(results)}\n`);
  if (json !== undefined && json !== '-') writeFileSync(json, text);
  if (write !== undefined) writeFileSync(write, withResults(readFileSync(write, 'utf8'), results, size));
} finally {
  await stop();
}
