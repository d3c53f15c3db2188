import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Database } from '../../src/store/connection/database.ts';
import { copyRows, countValues, takeRows } from '../copy.ts';
import { type Figure, rate, speedRatio } from '../figure.ts';
import { startPipeline, untilQuiet } from '../pipeline.ts';
import type { Recorder, RecorderKind } from '../recorder/index.ts';
import type { Bench, World } from '../world.ts';

interface Run {
  readonly values: number;
  /** From the first call to the last row written. */
  readonly milliseconds: number;
}

/** The program as a person starts it, on an empty database, until it has asked for all there is. */
async function fillByQueue(
  world: World,
  recorder: Recorder,
  database: Database,
  settings: Readonly<Record<string, string>>,
): Promise<Run> {
  await recorder.control({ reset: true });
  const pipeline = await startPipeline(world, recorder, database, settings);
  try {
    await pipeline.ready();
    await untilQuiet(recorder);
  } finally {
    await pipeline.stop();
  }
  const { firstAt } = await recorder.control();
  return { values: await countValues(database), milliseconds: (await lastWriteAt(database)) - firstAt };
}

async function lastWriteAt(database: Database): Promise<number> {
  const { rows } = await database.pool.query<{ at: number }>(
    `select extract(epoch from max(at))::float8 * 1000 as at from (
       select max(updated_at) as at from cryptoracle.metrics_15m union all select max(updated_at) from cryptoracle.metrics_1h
       union all select max(updated_at) from cryptoracle.metrics_4h union all select max(updated_at) from cryptoracle.metrics_1d
     ) as each`,
  );
  return rows[0]?.at ?? Number.NaN;
}

type Script = 'pandas' | 'upserts';

/** A plain script asks for the same answers, one after the other, and writes each in its way. */
async function runScript(
  world: World,
  recorder: Recorder,
  database: Database,
  script: Script,
): Promise<Run | undefined> {
  const python = world.python();
  if (python === undefined) return undefined;
  const file = fileURLToPath(new URL('../plain-script.py', import.meta.url));
  const { recorded } = await recorder.control();
  // Enough for a rate; the slowest takes half a minute for all.
  const answers = String(Math.min(recorded, 60));
  const { status, stdout, stderr } = spawnSync(
    python,
    [file, script, recorder.plainUrl, answers, database.url],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`the plain script failed: ${stderr.slice(-500)}`);
  const { values, seconds } = JSON.parse(stdout) as { values: number; seconds: number };
  return { values, milliseconds: seconds * 1000 };
}

const perValue = ({ values, milliseconds }: Run) => milliseconds / values;

/** A run whose answers were recorded by another before it, where the size wants it. */
async function fill(world: World, kind: RecorderKind, redisUrl: string | undefined) {
  const recorder = await world.recorder(kind);
  const settings = redisUrl === undefined ? {} : { REDIS_URL: redisUrl };
  if (world.size.isRecorded) await fillByQueue(world, recorder, await world.database(), settings);
  const database = await world.database();
  return { recorder, database, run: await fillByQueue(world, recorder, database, settings) };
}

async function measureScript(
  world: World,
  { recorder, database, run }: Awaited<ReturnType<typeof fill>>,
  script: Script,
  atLeast: number,
): Promise<Figure> {
  const name =
    script === 'pandas' ? 'all ÷ script with pandas' : 'all ÷ script with upserts of one value a row';
  const goal = { atLeast } as const;
  const other = await runScript(world, recorder, database, script);
  if (other === undefined) {
    return { name, unit: '×', goal, absent: 'there is no python3 with pandas, SQLAlchemy and psycopg2' };
  }
  const value = speedRatio(perValue(run), perValue(other));
  return { name, value, unit: '×', goal, detail: `script ${rate(other.values, other.milliseconds)}` };
}

async function againstCopy(
  { database, run }: Awaited<ReturnType<typeof fill>>,
  queue: string,
): Promise<Figure> {
  const copied = await copyRows(database, await takeRows(database));
  return {
    ...{ name: `all ÷ COPY, queue in ${queue}`, value: speedRatio(run.milliseconds, copied) },
    ...{ unit: '×', goal: { atLeast: 0.4 } },
    detail: `${run.values} values: ${rate(run.values, run.milliseconds)}, COPY ${rate(run.values, copied)}`,
  };
}

export const endToEnd: Bench = {
  name: 'end-to-end',
  about:
    'recorded answers through queue, worker and database, against COPY of the same rows and plain scripts',
  needsDatabase: true,
  async run(world) {
    const onPostgres = await fill(world, 'sound', undefined);
    const pandas = await measureScript(world, onPostgres, 'pandas', 4);
    const upserts = await measureScript(world, onPostgres, 'upserts', 6);
    return [await againstCopy(onPostgres, 'PostgreSQL'), await onRedis(world), pandas, upserts];
  },
};

async function onRedis(world: World): Promise<Figure> {
  const isWanted = world.size.queues.includes('Redis');
  const redisUrl = isWanted ? await world.redis() : undefined;
  if (redisUrl !== undefined) return againstCopy(await fill(world, 'sound', redisUrl), 'Redis');
  return {
    ...{ name: 'all ÷ COPY, queue in Redis', unit: '×', goal: { atLeast: 0.4 } },
    absent: isWanted ? 'redis-server is not installed' : 'not measured at this size',
  };
}

export const broken: Bench = {
  name: 'quality-broken',
  about: 'the same where every value that has a range is outside of it, against sound values',
  needsDatabase: true,
  async run(world) {
    const sound = await fill(world, 'sound', undefined);
    const doubtful = await fill(world, 'broken', undefined);
    return [
      {
        ...{ name: 'broken ÷ sound', value: speedRatio(perValue(doubtful.run), perValue(sound.run)) },
        ...{ unit: '×', goal: { atLeast: 0.9 } },
        detail: `${rate(doubtful.run.values, doubtful.run.milliseconds)}, sound ${rate(sound.run.values, sound.run.milliseconds)}`,
      },
    ];
  },
};
