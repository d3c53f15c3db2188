import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { withClient } from '../../../harness/client.ts';
import { findPrograms, withTimescale } from '../../../harness/debian-server.ts';
import { granularities } from '../../../src/catalog/index.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import type { Milliseconds } from '../../../src/time.ts';
import { countValues } from '../../copy.ts';
import { type Figure, median, thousands } from '../../figure.ts';
import { startPipeline, untilQuiet } from '../../pipeline.ts';
import { questions } from '../../questions.ts';
import type { Bench, World } from '../../world.ts';
import { type Pair, startPair } from './pair.ts';

/** Seconds, not minutes: what is committed while a fill runs as fast as it can is soon there. */
const goalBehind = { atMost: 2 } as const;
const none = { atMost: 0 } as const;

/** How long the standby takes until it has what the primary had committed now. */
async function behind({ primary, standby }: Pair): Promise<Milliseconds> {
  const { rows } = await primary.pool.query<{ at: string }>('select pg_current_wal_lsn() as at');
  const started = performance.now();
  for (;;) {
    const { rows: replayed } = await standby.pool.query<{ there: boolean }>(
      'select pg_last_wal_replay_lsn() >= $1::pg_lsn as there',
      [rows[0]?.at],
    );
    if (replayed[0]?.there === true) return performance.now() - started;
    await sleep(5);
  }
}

/** Asks over and over until the work is done. */
async function during(work: Promise<void>, ask: () => Promise<void>): Promise<void> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  while (!isOver) await ask();
  await over;
}

/** Questions of analysts by the reader's login. @returns those that failed, with the reason */
async function askAll(reader: string): Promise<string[]> {
  const failed: string[] = [];
  await withClient(reader, async (client) => {
    for (const { name, sql } of questions) {
      await client.query(sql).catch((error: unknown) => failed.push(`${name}: ${String(error)}`));
    }
  });
  return failed;
}

const reading: readonly (readonly string[])[] = [
  ['status'],
  ['gaps'],
  ['events'],
  ['export', '--granularity', '1h', '--token', 'BTC'],
];

/** Commands that only read. @returns those that failed, with the reason */
async function runAll(world: World, url: string): Promise<string[]> {
  const { cli } = await world.program();
  const { PATH = '' } = process.env;
  const env = { PATH, DATABASE_URL: url, TOKENS: world.tokens.join(), LOG_LEVEL: 'error' };
  const failed: string[] = [];
  for (const args of reading) {
    const options = { env, cwd: world.folder('reading') };
    await promisify(execFile)(process.execPath, [cli, ...args], options).catch((error: unknown) =>
      failed.push(`${args[0]}: ${String(error)}`),
    );
  }
  return failed;
}

/** What a table holds, in a number that other contents would not give. */
async function digests(database: Database): Promise<string[]> {
  const each = granularities.map(
    (granularity) =>
      `(select concat(count(*), ' ', sum(hashtextextended(m::text, 0))) from cryptoracle.metrics_${granularity} as m)`,
  );
  const { rows } = await database.pool.query<{ digests: string[] }>(
    `select array[${each.join()}] as digests`,
  );
  return rows[0]?.digests ?? [];
}

async function measure(world: World, pair: Pair): Promise<readonly Figure[]> {
  const recorder = await world.recorder();
  await recorder.control({ reset: true });
  const delays: Milliseconds[] = [];
  const failed: string[] = [];
  const pipeline = await startPipeline(world, recorder, pair.primary, {});
  try {
    await pipeline.ready();
    await during(untilQuiet(recorder), async () => {
      delays.push(await behind(pair));
      failed.push(...(await askAll(pair.reader)));
    });
  } finally {
    await pipeline.stop();
  }
  const caughtUp = await behind(pair);
  const [here, there] = [await digests(pair.primary), await digests(pair.standby)];
  const differing = here.filter((digest, place) => digest !== there[place]).length;
  failed.push(...(await runAll(world, pair.standby.url)));
  const values = `${thousands(await countValues(pair.primary))} values, ${pair.name}`;
  const asked = `${delays.length} rounds of ${questions.length} questions by a reader's login, then ${reading.map(([name]) => name).join(', ')}`;
  return [
    {
      ...{
        name: 'behind during a fill, at most',
        value: Math.max(...delays) / 1000,
        unit: 's',
        goal: goalBehind,
      },
      detail: `${values}; ${delays.length} looks, half of them under ${median(delays).toFixed(0)} ms`,
    },
    { name: 'behind once it is over', value: caughtUp / 1000, unit: 's', goal: goalBehind, detail: values },
    { name: 'tables that differ', value: differing, unit: '', goal: none, detail: values },
    {
      ...{ name: 'questions and commands that fail', value: failed.length, unit: '', goal: none },
      detail: failed[0] ?? asked,
    },
  ];
}

export const replica: Bench = {
  name: 'replica',
  about: 'a reader on a streaming standby, while the history fills on its primary',
  needsDatabase: false,
  async run(world) {
    const bin = findPrograms('timescaledb.so') ?? findPrograms();
    if (bin === undefined) {
      const absent = "there is no PostgreSQL of this machine's distribution";
      return [{ name: 'behind during a fill, at most', unit: 's', goal: goalBehind, absent }];
    }
    const pair = await startPair(
      world,
      bin,
      findPrograms('timescaledb.so') === undefined ? {} : withTimescale,
    );
    try {
      return await measure(world, pair);
    } finally {
      await pair.stop();
    }
  },
};
