import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createTemporaryFolder } from '../harness/leftovers.ts';
import { Member } from '../harness/processes.ts';
import { bundleProgram } from '../harness/program.ts';
import { PostgresServer } from '../harness/servers.ts';
import { startSimulator } from '../src/simulator/index.ts';

/**
 * `npm run bench:live`: how long after being due the newest 15m windows can be queried while the full history fills up
 * at one request a second. Waits for the next quarter of an hour on the real clock.
 */

const latency = 300;
const quarter = 900_000;
const folder = createTemporaryFolder('live');
const postgres = await PostgresServer.start();
const simulator = await startSimulator({ market: { lateShare: 0 } });
simulator.setFaults({ slow: { probability: 1, milliseconds: latency } });
const { apiKey, signSecret, dataSecret, dataIv } = simulator.credentials;
const program = await bundleProgram();
const pipeline = new Member('start', program, ['start'], folder.path, {
  DATABASE_URL: postgres.url,
  CRYPTORACLE_BASE_URL: simulator.url,
  CRYPTORACLE_API_KEY: apiKey,
  CRYPTORACLE_SIGN_SECRET: signSecret,
  CRYPTORACLE_DATA_SECRET: dataSecret,
  CRYPTORACLE_DATA_IV: dataIv,
  REQUESTS_PER_SECOND: '1',
  HTTP_PORT: '0',
});
const client = new pg.Client({ connectionString: postgres.url });
try {
  await pipeline.ready();
  await client.connect();
  const due = Math.ceil((Date.now() + 5000) / quarter) * quarter;
  process.stderr.write(`waiting until ${new Date(due).toISOString()} ...\n`);
  await sleep(due - Date.now());
  // Due a quarter of an hour after its close.
  const window = new Date(due - 2 * quarter);
  for (;;) {
    const { rows } = await client.query<{ tokens: number }>(
      'select count(*)::int as tokens from cryptoracle.metrics_15m where time = $1 and mention_rank is not null',
      [window],
    );
    if ((rows[0]?.tokens ?? 0) > 0 && (await isAnswered(window))) break;
    await sleep(50);
  }
  const seconds = (Date.now() - due) / 1000;
  const { rows: lanes } = await client.query<{ lane: string; calls: number }>(
    `select lane, count(*)::int as calls from cryptoracle.requests where sent_at > now() - interval '1 minute' group by 1`,
  );
  process.stdout.write(
    `window ${window.toISOString()} of all tokens: queryable ${seconds.toFixed(2)} s after it was due ` +
      `(API latency ${latency / 1000} s, 1 request/s, calls of the last minute: ` +
      `${lanes.map(({ lane, calls }) => `${calls} ${lane}`).join(', ')})\n`,
  );
} finally {
  await client.end();
  await pipeline.stop();
  await simulator.close();
  await postgres.stop();
  program.remove();
  folder.remove();
}

/** Whether every cell of the window has been answered, of the tokens that have such windows at all. */
async function isAnswered(window: Date): Promise<boolean> {
  const { rows } = await client.query<{ done: boolean }>(
    `select bool_and(coalesce(answered @> $1::timestamptz, false)) as done
     from (select distinct token from cryptoracle.metrics_15m) as has cross join cryptoracle.metric_catalog as m
     left join cryptoracle.coverage as c on (c.granularity, c.token, c.metric) = ('15m', has.token, m.code)`,
    [window],
  );
  return rows[0]?.done === true;
}
