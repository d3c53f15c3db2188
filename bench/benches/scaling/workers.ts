import { hasPgBouncer, PgBouncer } from '../../../harness/pgbouncer.ts';
import { granularities } from '../../../src/catalog/index.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { windowLengths } from '../../../src/store/schema/sql.ts';
import { countValues } from '../../copy.ts';
import { type Figure, thousands } from '../../figure.ts';
import type { Bench, World } from '../../world.ts';
import { type Crew, callsPerSecond, fillBy, paceOf } from './members.ts';

/** Each process takes some twenty sessions, and a pooler has to have one for each. */
const sessions = 110;

const exact = { atMost: 1.01 } as const;
const once = { atMost: 0 } as const;

/** Cells that more than one answered call was about, by the log of calls. */
async function cellsAskedTwice(database: Database): Promise<number> {
  const lengths = granularities.map(
    (granularity) => `when '${granularity}' then ${windowLengths[granularity]}`,
  );
  const { rows } = await database.pool.query<{ twice: number }>(
    `select (count(*) - count(distinct (granularity, token, metric, time)))::float8 as twice
     from cryptoracle.requests, unnest(tokens) as token, unnest(metrics) as metric,
       generate_series(windows_from, windows_to - interval '1 second', case granularity ${lengths.join(' ')} end) as time
     where what = 'values' and outcome in ('answered', 'cut-short')`,
  );
  return rows[0]?.twice ?? Number.NaN;
}

interface Filled {
  readonly pace: number;
  readonly figures: readonly Figure[];
}

async function fill(world: World, crew: Crew, between?: string): Promise<Filled> {
  const recorder = await world.recorder();
  const database = await world.database();
  const through =
    between === undefined ? undefined : await PgBouncer.start(database.url, { poolSize: sessions });
  const address = through === undefined ? {} : { DATABASE_URL: through.address('session') };
  try {
    const settings = { ...crew.settings, ...address };
    const seen = await fillBy(world, recorder, database, { ...crew, settings });
    const pace = paceOf(seen);
    const who = `${crew.workers} worker${crew.workers === 1 ? '' : 's'}${between === undefined ? '' : ` ${between}`}`;
    const detail = `${seen.at(-1)?.served} calls, ${thousands(await countValues(database))} values, limit ${callsPerSecond} /s`;
    const twice = await cellsAskedTwice(database);
    return {
      pace,
      figures: [
        { name: `calls of ${who} ÷ limit`, value: pace / callsPerSecond, unit: '×', goal: exact, detail },
        { name: `cells that ${who} fetched twice`, value: twice, unit: '', goal: once, detail },
      ],
    };
  } finally {
    await through?.stop();
  }
}

export const scaling: Bench = {
  name: 'scaling',
  about: 'a scheduler and 1, 2 and 4 worker processes on one queue with one limit, and 4 behind PgBouncer',
  needsDatabase: true,
  async run(world) {
    const redisUrl = await world.redis();
    const settings = redisUrl === undefined ? {} : { REDIS_URL: redisUrl };
    const filled: Filled[] = [];
    for (const workers of [1, 2, 4]) filled.push(await fill(world, { workers, settings }));
    const detail = filled.map(({ pace }) => pace.toFixed(2)).join(', ');
    const least = Math.min(...filled.map(({ pace }) => pace)) / callsPerSecond;
    return [
      ...filled.flatMap(({ figures }) => figures),
      {
        ...{ name: 'fewest of these ÷ limit', value: least, unit: '×', goal: { atLeast: 0.95 } },
        detail: `${detail} calls a second of 1, 2, 4 workers`,
      },
      ...(await throughPooler(world, { workers: 4, settings })),
    ];
  },
};

async function throughPooler(world: World, crew: Crew): Promise<readonly Figure[]> {
  const between = 'behind PgBouncer';
  if (hasPgBouncer()) return (await fill(world, crew, between)).figures;
  const absent = 'pgbouncer is not installed';
  return [{ name: `calls of ${crew.workers} workers ${between} ÷ limit`, unit: '×', goal: exact, absent }];
}
