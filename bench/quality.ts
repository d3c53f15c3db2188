import { PostgresServer, silent } from '../harness/servers.ts';
import type { AnsweredRow } from '../src/api/decode.ts';
import { bundledTokens, metricCodes, metrics, windowLength } from '../src/catalog/index.ts';
import { systemClock } from '../src/clock.ts';
import { runQualityChecks } from '../src/store/answers/quality/index.ts';
import { storeAnswer } from '../src/store/answers/write.ts';
import { Database } from '../src/store/connection/database.ts';
import { migrate } from '../src/store/setup/migrate.ts';

/**
 * `npm run bench:quality`: what the checks of stored values cost beside the storing of them, on sound data, on data with
 * some doubtful rows, and where every row breaks every rule; with statistics that are fresh and such that were taken
 * when the tables were empty. BENCH_DATABASE_URL names an empty database on another server than the embedded one.
 */

const tokens = bundledTokens.slice(0, 100).map(({ token }) => token);
const windows = 153;
const rounds = 8;

interface Kind {
  readonly name: string;
  /** The share of rows that are made to break rules. */
  readonly doubtful: number;
  readonly breaks: 'one rule' | 'every rule';
}

const kinds: readonly Kind[] = [
  { name: 'sound', doubtful: 0, breaks: 'one rule' },
  { name: 'one row in 30 breaks one rule', doubtful: 1 / 30, breaks: 'one rule' },
  { name: 'one row in 30 breaks every rule', doubtful: 1 / 30, breaks: 'every rule' },
  { name: 'every row breaks every rule', doubtful: 1, breaks: 'every rule' },
];

type Values = Readonly<Record<(typeof metrics)[number]['column'], number>>;

/** Values of a token's window: its mentions fall with its place, so that ranks agree. */
function soundValues(place: number, number: number): Values {
  const mentions = (tokens.length - place) * 50 + (number % 40);
  return {
    mention_rank: place + 1,
    mention_rank_change: (number % 3) - 1,
    message_count: mentions * 2,
    interaction_count: mentions * 3,
    mention_count: mentions,
    unique_user_count: mentions,
    community_count: 40 + (number % 7),
    mention_share: 1 / (place + 2),
    positive_ratio: 0.5,
    negative_ratio: 0.25,
    net_sentiment: 0.25,
    extreme_sentiment_ratio: 0.1,
    sentiment_consensus: 0.7,
  };
}

/** Values of which each breaks a rule. */
const doubtfulValues = (sound: Values): Values => ({
  ...sound,
  mention_rank: -(sound.mention_rank ?? 1),
  message_count: 0,
  interaction_count: 0,
  mention_count: 0,
  unique_user_count: 0,
  community_count: 0,
  mention_share: 25,
  positive_ratio: 50,
  negative_ratio: 25,
  net_sentiment: 2.5,
  extreme_sentiment_ratio: 10,
  sentiment_consensus: 70,
});

function makeRow(
  token: (typeof tokens)[number],
  place: number,
  number: number,
  { doubtful, breaks }: Kind,
): AnsweredRow {
  const start = Date.parse('2025-01-01T00:00:00Z') + number * windowLength['15m'];
  const isDoubtful = doubtful > 0 && (number * tokens.length + place) % Math.round(1 / doubtful) === 0;
  const sound = soundValues(place, number);
  if (isDoubtful && breaks === 'one rule') return answered(token, start, { ...sound, mention_share: 25 });
  // Where all are doubtful counts still have something to fall from.
  const values = isDoubtful && (doubtful < 1 || number % 2 === 1) ? doubtfulValues(sound) : sound;
  const spoilt = isDoubtful
    ? { ...values, net_sentiment: 2.5, mention_share: 25, positive_ratio: 50 }
    : values;
  return answered(token, start, spoilt);
}

function answered(token: AnsweredRow['token'], time: number, values: Values): AnsweredRow {
  return { token, time, values: metrics.map(({ column }) => values[column] ?? null) };
}

async function store(database: Database, kind: Kind): Promise<number> {
  let milliseconds = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [place, token] of tokens.entries()) {
      const numbers = Array.from({ length: windows }, (_, n) => round * windows + n);
      const rows = numbers.map((number) => makeRow(token, place, number, kind));
      const interval = {
        start: rows[0]?.time ?? 0,
        end: (rows.at(-1)?.time ?? 0) + windowLength['15m'],
      };
      const request = {
        granularity: '15m',
        tokens: [token],
        metrics: metricCodes,
        tags: [],
        interval,
      } as const;
      const now = systemClock.now();
      const started = performance.now();
      await storeAnswer(database, {
        request,
        rows,
        tags: [],
        rejects: [],
        receivedAt: now,
        observedFrom: now,
        log: {
          what: 'values',
          lane: 'history',
          granularity: '15m',
          interval,
          tokens: [token],
          metrics: metricCodes,
          outcome: 'answered',
          code: 200,
          milliseconds: 300,
          records: rows.length * metrics.length,
          at: now,
        },
      });
      milliseconds += performance.now() - started;
    }
  }
  return milliseconds;
}

async function check(database: Database): Promise<number> {
  const started = performance.now();
  await runQualityChecks(database, systemClock.now());
  return performance.now() - started;
}

/** Statistics as they are when the tables were last looked at while they were empty, and nothing looks again. */
async function empty(database: Database): Promise<void> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname = 'cryptoracle' and (tablename like 'metrics@_%' escape '@' or tablename like 'quality@_%' escape '@'
       or tablename in ('coverage', 'requests', 'revisions'))`,
  );
  const names = rows.map(({ name }) => name);
  await database.pool.query(`truncate ${names.join(', ')}`);
  for (const name of names) await database.pool.query(`analyze ${name}`);
}

const given = process.env.BENCH_DATABASE_URL;
const embedded = given === undefined ? await PostgresServer.start({ autovacuum: 'off' }) : undefined;
const database = new Database(given ?? embedded?.url ?? '', { connections: 4 });
try {
  await migrate(database, systemClock, silent);
  for (const kind of kinds) {
    for (const statistics of ['fresh', 'stale'] as const) {
      await empty(database);
      const writing = await store(database, kind);
      if (statistics === 'fresh') await database.pool.query('analyze');
      const checking = await check(database);
      const again = await check(database);
      const { rows } = await database.pool.query<{ notes: number }>(
        'select count(*)::int as notes from cryptoracle.quality_notes',
      );
      process.stdout.write(
        `${`${kind.name}, statistics ${statistics}`.padEnd(46)} ${(tokens.length * windows * rounds).toLocaleString('en-US')} rows ` +
          `written in ${(writing / 1000).toFixed(1)} s, checked in ${(checking / 1000).toFixed(2)} s ` +
          `(${((checking / writing) * 100).toFixed(1)} %), nothing to check ${again.toFixed(0)} ms, ${rows[0]?.notes} notes\n`,
      );
    }
  }
} finally {
  await database.close();
  await embedded?.stop();
}
