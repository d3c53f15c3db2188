import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { asToken, bundledCatalogue, bundledTokens, type MetricCode } from '../../../src/catalog/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import { Database } from '../../../src/store/connection/database.ts';
import {
  type ExportSelection,
  type ExportTally,
  isMistakable,
  readCsv,
  readRows,
} from '../../../src/store/reports/export.ts';
import { hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, serverUrl } from '../../support/database.ts';
import { answer, mentions, row, start } from '../answers/answering.ts';

const metrics: readonly MetricCode[] = [mentions];

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of source) all.push(each);
  return all;
}

/** A way to the database on which everything arrives in pieces of seven bytes. */
async function inPieces(url: string): Promise<{ readonly url: string; close(): void }> {
  const target = new URL(url);
  const relay = createServer((client) => {
    const server = connect(Number(target.port || 5432), target.hostname);
    client.setNoDelay();
    client.pipe(server).on('close', () => client.destroy());
    client.on('error', () => server.destroy());
    void (async () => {
      for await (const chunk of server) {
        for (let at = 0; at < chunk.length; at += 7) {
          client.write(chunk.subarray(at, at + 7));
          await turn();
        }
      }
    })();
  });
  await new Promise<void>((done) => relay.listen(0, '127.0.0.1', done));
  const address = relay.address();
  const slow = new URL(url);
  slow.hostname = '127.0.0.1';
  slow.port = String(typeof address === 'object' ? address?.port : '');
  return { url: slow.href, close: () => relay.close() };
}

describe('tokens that readers of CSV take for something else', () => {
  // As DuckDB 1.4, R 4.2 and pandas 1.5 were found to read a column of nothing else.
  it.each([
    'T',
    'F',
    'TRUE',
    'YES',
    'NO',
    '1',
    '0',
    '1E5',
    '0X10',
    '100',
    '2025',
    'NA',
    'NULL',
    'NAN',
    'INF',
    'EPOCH',
  ])('%s is one', (token) => expect(isMistakable(asToken(token))).toBe(true));

  it('T is the only one that is bundled', () => {
    expect(bundledTokens.map(({ token }) => token).filter(isMistakable)).toEqual(['T']);
    for (const token of ['1INCH', 'E', 'G', 'S', 'W', 'ME', '1D'])
      expect(isMistakable(asToken(token))).toBe(false);
  });
});

describeOnServers('what is exported', (kind) => {
  let database: Database;
  const hours = 5000;
  const tokens = ['BTC', 'ETH'].map(asToken);
  const selection: ExportSelection = {
    granularity: '1h',
    from: undefined,
    to: undefined,
    tokens,
    metrics,
    catalogue: bundledCatalogue,
  };
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    const found = tokens.flatMap((token) =>
      Array.from({ length: hours }, (_, number) => row(token, start + number * hour, { [mentions]: number })),
    );
    await storeAnswer(database, answer({ tokens, to: start + hours * hour, rows: found }));
    if (serverUrl('TimescaleDB') !== null && kind === 'TimescaleDB')
      await database.pool.query(
        "select compress_chunk(chunk) from show_chunks('cryptoracle.metrics_1h') as chunk",
      );
  });
  const never = new AbortController().signal;

  it('is every row once, by token and time, however many there are', async () => {
    const rows = await database.snapshot(never, (connection) => collect(readRows(connection, selection)));
    expect(rows).toHaveLength(2 * hours);
    for (const [position, found] of rows.entries()) {
      const number = position % hours;
      expect([found.token, found.time, found.mention_count]).toEqual([
        position < hours ? 'BTC' : 'ETH',
        new Date(start + number * hour),
        number,
      ]);
    }
    const csv = await database.snapshot(never, (connection) => text(readCsv(connection, selection)));
    const lines = csv.trim().split('\n').slice(1);
    expect(lines).toHaveLength(2 * hours);
    for (const [position, line] of lines.entries()) {
      const found = rows[position];
      const instant = (value: unknown) => (value instanceof Date ? value.toISOString() : '');
      expect(line).toBe(
        [
          instant(found?.time),
          found?.token,
          found?.mention_count,
          instant(found?.first_seen_at),
          String(found?.backfilled).toUpperCase(),
          String(found?.is_final).toUpperCase(),
        ].join(),
      );
    }
  });

  it('is counted whole, however the answers of the server are cut into pieces', async () => {
    const way = await inPieces(database.url);
    const slow = new Database(way.url, { connections: 1 });
    const tally: ExportTally = { rows: 0, tokens: 0 };
    const few = { ...selection, to: start + 8 * hour };
    const csv = await slow.snapshot(never, (connection) => text(readCsv(connection, few, tally)));
    expect(csv.trim().split('\n')).toHaveLength(1 + 2 * 8);
    expect(tally).toEqual({ rows: 2 * 8, tokens: 2 });
    await slow.close();
    way.close();
  });

  it('is one state of the database, whatever is written meanwhile', async () => {
    const seen: number[] = [];
    await database.snapshot(never, async (connection) => {
      for await (const found of readRows(connection, { ...selection, from: start + 10 * hour })) {
        if (seen.length === 0) {
          await database.pool.query('update cryptoracle.metrics_1h set mention_count = -1 where time >= $1', [
            new Date(start + 20 * hour),
          ]);
        }
        seen.push(Number(found.mention_count));
      }
    });
    expect(seen).toHaveLength(2 * (hours - 10));
    expect(Math.min(...seen)).toBe(10);
  });

  it('ends at once when it is aborted, and cannot write', async () => {
    const stop = new AbortController();
    const sleeping = database.snapshot(stop.signal, (connection) =>
      connection.query('sleep', 'select pg_sleep(60)'),
    );
    const reason = new Error('enough');
    setTimeout(() => stop.abort(reason), 50);
    await expect(sleeping).rejects.toBe(reason);
    await expect(
      database.snapshot(never, (connection) =>
        connection.query('delete', 'delete from cryptoracle.metrics_1h'),
      ),
    ).rejects.toMatchObject({ code: '25006' });
  });
});
