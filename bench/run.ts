import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { PostgresServer, silent } from '../harness/servers.ts';
import { decodeAnswer } from '../src/api/decode.ts';
import { decrypt, encrypt } from '../src/api/dialects/cipher.ts';
import { formatBeijing } from '../src/beijing.ts';
import { bundledTokens, granularities, metricCodes, metrics, windowLength } from '../src/catalog/index.ts';
import { systemClock } from '../src/clock.ts';
import { Packer } from '../src/planning/packing.ts';
import { planRequests, wantedWindows } from '../src/planning/plan.ts';
import type { DataRequest } from '../src/planning/request.ts';
import { sampleCredentials } from '../src/simulator/index.ts';
import { storeAnswer } from '../src/store/answers/write.ts';
import { Database } from '../src/store/connection/database.ts';
import { metrics15m } from '../src/store/schema/index.ts';
import { migrate } from '../src/store/setup/migrate.ts';

/**
 * What the parts of the pipeline can do on this machine, and the choices that were measured: each alternative runs in
 * the same process on the same server, so that the ratios hold on a busy machine, too. BENCH_DATABASE_URL names another
 * server than the embedded one.
 */

const tokens = bundledTokens.map(({ token }) => token);
const windows = 153;

function report(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(58)} ${figure}\n`);
}

const perSecond = (count: number, milliseconds: number) =>
  `${Math.round((count / milliseconds) * 1000).toLocaleString('en-US')} /s`;

/** A full answer: one token, 153 windows, 13 metrics. */
function makeRequest(number: number): DataRequest {
  const token = tokens[number % tokens.length] ?? tokens[0];
  const block = Math.floor(number / tokens.length);
  const start = Date.parse('2025-01-01T00:00:00Z') + block * windows * windowLength['15m'];
  return {
    granularity: '15m',
    tokens: token === undefined ? [] : [token],
    metrics: metricCodes,
    tags: [],
    interval: { start, end: start + windows * windowLength['15m'] },
  };
}

function makeAnswer(request: DataRequest, salt: number): unknown {
  const starts = Array.from({ length: windows }, (_, n) => request.interval.start + n * windowLength['15m']);
  return request.tokens.map((token) => ({
    token,
    timeType: '15m',
    endPoints: starts.map((start, n) => ({
      startTime: formatBeijing(start),
      endTime: formatBeijing(start + windowLength['15m']),
      data: metricCodes.map((endpoint, m) => ({ endpoint, value: String((n * 31 + m * 7 + salt) / 8) })),
    })),
    tags: [],
  }));
}

async function benchPlanning(): Promise<void> {
  const now = Date.parse('2026-11-01T00:00:00Z');
  const range = { start: Date.parse('2024-12-31T16:00:00Z'), end: now };
  const wanted = wantedWindows(range, granularities, now, 900_000, '08:00');
  const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
  const before = process.memoryUsage().heapUsed;
  const started = performance.now();
  let requests = 0;
  let peak = 0;
  const everything = async (granularity: DataRequest['granularity'], interval: DataRequest['interval']) => [
    { granularity, interval, tokens, metrics: metricCodes },
  ];
  for await (const _ of planRequests(wanted, everything, packer)) {
    requests++;
    if (requests % 1000 === 0) peak = Math.max(peak, process.memoryUsage().heapUsed - before);
  }
  report(
    `plan of the full history since 2025 (${requests.toLocaleString('en-US')} requests)`,
    `${Math.round(performance.now() - started)} ms, ${Math.round(peak / 1e6)} MB above rest`,
  );
}

function benchDecoding(): void {
  const request = makeRequest(0);
  const ciphertext = encrypt(JSON.stringify(makeAnswer(request, 0)), sampleCredentials, 'base64');
  const runs = 500;
  const started = performance.now();
  for (let run = 0; run < runs; run++) {
    decodeAnswer(JSON.parse(decrypt(ciphertext, sampleCredentials, 'base64')), request);
  }
  report('decrypt and decode a full answer (1,989 values)', perSecond(runs, performance.now() - started));
}

async function benchStore(database: Database): Promise<void> {
  const runs = 400;
  const decoded = Array.from({ length: runs }, (_, number) => {
    const request = makeRequest(number);
    return { request, answer: decodeAnswer(makeAnswer(request, 0), request) };
  });
  const store = async (salt: number) => {
    const started = performance.now();
    for (const { request, answer } of decoded) {
      await storeAnswer(database, {
        request,
        rows: answer.rows.map((row) => ({ ...row, values: row.values.map((each) => (each ?? 0) + salt) })),
        tags: [],
        rejects: [],
        receivedAt: systemClock.now(),
        observedFrom: systemClock.now(),
        log: undefined,
      });
    }
    return performance.now() - started;
  };
  const values = runs * windows * metrics.length;
  report(
    'store new answers: values with coverage and revisions',
    `${perSecond(values, await store(0))} values`,
  );
  report('store the same answers again', `${perSecond(values, await store(0))} values`);
  report('store changed answers: every value revised', `${perSecond(values, await store(1))} values`);

  const plain = drizzle(database.pool);
  const started = performance.now();
  for (const { answer } of decoded.slice(0, 100)) {
    const now = Date.now();
    await plain
      .insert(metrics15m)
      .values(
        answer.rows.map((row) => ({
          time: row.time,
          token: row.token,
          firstSeenAt: now,
          updatedAt: now,
          ...Object.fromEntries(
            metrics.map(({ column }, position) => [column, (row.values[position] ?? 0) + 2]),
          ),
        })),
      )
      .onConflictDoUpdate({
        target: [metrics15m.token, metrics15m.time],
        set: Object.fromEntries(metrics.map(({ column }) => [column, sql.raw(`excluded.${column}`)])),
      });
  }
  report(
    'for comparison: bare upsert by Drizzle values(), no ledger',
    `${perSecond(100 * windows * metrics.length, performance.now() - started)} values`,
  );
}

await benchPlanning();
benchDecoding();
const given = process.env.BENCH_DATABASE_URL;
const embedded = given === undefined ? await PostgresServer.start() : undefined;
const database = new Database(given ?? embedded?.url ?? '', { connections: 4 });
try {
  await migrate(database, systemClock, silent);
  await benchStore(database);
} finally {
  await database.close();
  await embedded?.stop();
}
