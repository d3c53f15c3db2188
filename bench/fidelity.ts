import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { createDatabase } from '../harness/databases.ts';
import { type Disguise, disguises } from '../harness/disguises.ts';
import { type Fidelity, measureFidelity } from '../harness/fidelity.ts';
import { bundleProgram } from '../harness/program.ts';
import { PostgresServer } from '../harness/servers.ts';

/**
 * `npm run bench:fidelity`: whether the program finds out by itself how the API speaks, and then gets every value right,
 * in whichever way the API may turn out to speak.
 */

interface Options {
  readonly days: string;
  readonly only?: string;
  readonly told?: true;
  readonly write?: string;
}

const options = new Command('fidelity')
  .option('--days <n>', 'days to fill', '7')
  .option('--only <text>', 'only the disguises whose name contains this')
  .option('--told', 'give the settings that fit, in place of finding them')
  .option('--write <file>', 'write the table to this document, too')
  .parse()
  .opts<Options>();

const program = await bundleProgram();
const postgres = await PostgresServer.start();

async function tryDisguise(disguise: Disguise): Promise<Fidelity> {
  const database = await createDatabase(postgres.url);
  try {
    return await measureFidelity(disguise, {
      cli: program.cli,
      databaseUrl: database.url,
      days: Number(options.days),
      calibrates: options.told !== true,
    });
  } finally {
    await database.drop();
  }
}

const count = (number: number) => number.toLocaleString('en-US');

function tableOf(results: readonly Fidelity[]): string {
  const lines = results.map(({ name, calls, equal, wrong, missing, quarantined, complaint }) =>
    complaint === ''
      ? `| ${name} | ${calls} | ${count(equal)} | ${wrong} | ${missing} | ${quarantined} |`
      : `| ${name} | ${calls} | ${complaint.replaceAll('|', '\\|')} | | | |`,
  );
  const calls = results.reduce((sum, each) => sum + each.calls, 0) / Math.max(1, results.length);
  return [
    '| disguise | calls to calibrate | cells equal | wrong | missing | quarantined |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
    `${results.length} disguises, ${calls.toFixed(1)} calls to calibrate on average.`,
    '',
  ].join('\n');
}

function documentOf(table: string): string {
  return `# Fidelity

The vendor's pages leave open how its API dresses messages and what it does at its limits. \`npm run bench:fidelity -- --write docs/fidelity.md\`
starts the stand-in API in each way that is known to be possible and takes the program through it as a new user would, with
nothing but an address and the credentials: \`doctor --calibrate --json\`, the settings that it prints, \`migrate\`, and
\`backfill\` of ${options.days} days for four tokens, one or two of each tier of coverage. Then every cell is compared with what the
stand-in API holds. The numbers are those of the variants of v1 in the order in which they are tried.

Of ${new Date().toISOString().slice(0, 10)}:

${table}`;
}

const isFaithful = ({ cells, equal, quarantined }: Fidelity) =>
  cells > 0 && equal === cells && quarantined === 0;

try {
  const results: Fidelity[] = [];
  for (const disguise of disguises) {
    if (options.only !== undefined && !disguise.name.includes(options.only)) continue;
    const started = performance.now();
    const result = await tryDisguise(disguise);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(`${isFaithful(result) ? 'ok  ' : 'FAIL'} ${seconds} s ${JSON.stringify(result)}\n`);
    results.push(result);
  }
  const table = tableOf(results);
  process.stdout.write(table);
  if (options.write !== undefined) writeFileSync(options.write, documentOf(table));
  process.exitCode = results.every(isFaithful) ? 0 : 1;
} finally {
  await postgres.stop();
  program.remove();
}
