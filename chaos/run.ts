import { readFileSync, writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { bundleProgram } from '../harness/program.ts';
import { Random } from '../harness/random.ts';
import { type Fault, faults, isPossible } from './faults/index.ts';
import { Tally } from './tally.ts';
import { judge, type Verdict } from './verdict.ts';
import { type QueueKind, World } from './world.ts';

/** `npm run chaos`: brings about every fault, again and again, and tells what was lost. */

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly queue: QueueKind | 'both';
  readonly only?: readonly string[];
  readonly databaseUrl?: string;
  readonly write?: string;
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError(`'${text}' is no number.`);
  return value;
}

function queue(text: string): Options['queue'] {
  const kinds = ['Redis', 'PostgreSQL', 'both'] as const;
  const kind = kinds.find((each) => each.toLowerCase() === text.toLowerCase());
  if (kind === undefined) throw new InvalidArgumentError(`one of ${kinds.join(', ')}.`);
  return kind;
}

const options = new Command('chaos')
  .description('break everything that can break, and count what is lost')
  .option('--minutes <n>', 'go on so long; every fault is tried once at least', number, 0)
  .option('--seed <n>', 'another seed gives other data and other chance', number, 1)
  .option('--queue <kind>', 'Redis, PostgreSQL or both', queue, 'both')
  .option('--only <text...>', 'only faults whose name contains one of these')
  .option(
    '--database-url <url>',
    'a server to use, e.g. with TimescaleDB; by default one of its own, which can be restarted',
  )
  .option('--write <file>', 'renew the rows of these faults in the table of this document, too')
  .parse()
  .opts<Options>();

const tally = new Tally(faults.map(({ name }) => name));
const deadline = performance.now() + options.minutes * 60_000;
let isInterrupted = false;
process.once('SIGINT', () => {
  isInterrupted = true;
  process.stderr.write('ending after this fault ...\n');
});

const kinds: readonly QueueKind[] = options.queue === 'both' ? ['PostgreSQL', 'Redis'] : [options.queue];
const chosen = faults.filter(({ name }) => options.only?.some((text) => name.includes(text)) ?? true);
const program = await bundleProgram();
for (let round = 0; !isInterrupted && (round === 0 || performance.now() < deadline); round++) {
  // Each kind has servers and processes of its own, and waits most of the time.
  await Promise.all(kinds.map((kind) => runRound(kind, round)));
}
program.remove();

async function runRound(kind: QueueKind, round: number): Promise<void> {
  const seed = options.seed + round;
  const create = () => World.create({ queue: kind, seed, databaseUrl: options.databaseUrl, program });
  let world = await create();
  const random = new Random(seed);
  try {
    for (const fault of chosen.filter((each) => isPossible(each, world))) {
      if (isInterrupted || (round > 0 && performance.now() > deadline)) return;
      if (await tryFault(world, fault, random)) continue;
      await world.close();
      world = await create();
    }
  } finally {
    await world.close();
  }
}

/** @returns whether the fault could be brought about; where not, the world is left as it was then */
async function tryFault(world: World, fault: Fault, random: Random): Promise<boolean> {
  const started = performance.now();
  const verdict = await strike(world, fault, random).catch(async (error: unknown) => {
    process.stderr.write(`${await world.describe().catch(String)}\n`);
    return failed(world, error);
  });
  tally.add(fault.name, world.queue, verdict);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { cells, ...found } = verdict;
  process.stderr.write(`${fault.name} (queue in ${world.queue}): ${seconds} s, ${JSON.stringify(found)}\n`);
  return cells > 0;
}

async function strike(world: World, fault: Fault, random: Random): Promise<Verdict> {
  await world.begin();
  await fault.strike(world, random);
  await world.revive();
  return judge(world);
}

/** The verdict on a fault that could not be brought about: it counts as a crash. */
function failed(world: World, error: unknown): Verdict {
  const complaints = [...world.complaints(), error instanceof Error ? error.message : String(error)];
  return { lost: 0, wrong: 0, repeated: 0, gaps: 0, cells: 0, complaints };
}

/** Puts the table between the marks of a document. */
function renewTable(file: string): void {
  const [head, rest] = readFileSync(file, 'utf8').split('<!-- chaos:begin -->');
  const [before, tail] = rest?.split('<!-- chaos:end -->') ?? [];
  if (head === undefined || tail === undefined) throw new Error(`${file} has no marks for the table`);
  const day = new Date().toISOString().slice(0, 10);
  const text = `Of ${day}, seeds from ${options.seed} on:\n\n${tally.table(before)}`;
  writeFileSync(file, `${head}<!-- chaos:begin -->\n\n${text}\n<!-- chaos:end -->${tail}`);
}

process.stdout.write(tally.table());
if (options.write !== undefined) renewTable(options.write);
process.exitCode = tally.isClean ? 0 : 1;
