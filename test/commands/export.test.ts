import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { metrics } from '../../src/catalog/index.ts';
import { storeAnswer } from '../../src/store/answers/write.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { answer, mentions, row, start } from '../store/answers/answering.ts';
import { hour } from '../support/clock.ts';
import { createTestDatabase, rows } from '../support/database.ts';
import { createFolder, type Environment, expectMistake, runCli, startCli } from './cli.ts';

const sentiment = 'CO-A-02-03';
const header = (names: readonly string[]) =>
  ['time', 'token', ...names, 'first_seen_at', 'backfilled', 'is_final'].join();

describe('export', () => {
  const folder = createFolder();
  let database: Database;
  let settings: Environment;
  const receivedAt = start + 3 * hour;
  beforeAll(async () => {
    database = await createTestDatabase('plain PostgreSQL');
    settings = { DATABASE_URL: database.url };
    const found = [0, 1, 2].flatMap((number) => [
      row('ETH', start + number * hour, { [mentions]: number, [sentiment]: 0.1 + 0.2 }),
      row('BTC', start + number * hour, { [mentions]: 10 * number }),
    ]);
    await storeAnswer(
      database,
      answer({
        tokens: ['BTC', 'ETH'],
        to: start + 3 * hour,
        rows: found,
        receivedAt,
        observedFrom: start + hour,
      }),
    );
  });

  const run = (...args: string[]) => runCli(folder, ['export', '--granularity', '1h', ...args], settings);

  it('prints CSV by token and time, empty where there is no value', async () => {
    const { code, stdout } = await run('--metric', 'net_sentiment,CO-A-01-05');
    expect(code).toBe(0);
    const at = (number: number) => new Date(start + number * hour).toISOString();
    const seen = new Date(receivedAt).toISOString();
    expect(stdout.split('\n')).toEqual([
      header(['mention_count', 'net_sentiment']),
      `${at(0)},BTC,0,,${seen},TRUE,TRUE`,
      `${at(1)},BTC,10,,${seen},FALSE,TRUE`,
      `${at(2)},BTC,20,,${seen},FALSE,TRUE`,
      `${at(0)},ETH,0,0.30000000000000004,${seen},TRUE,TRUE`,
      `${at(1)},ETH,1,0.30000000000000004,${seen},FALSE,TRUE`,
      `${at(2)},ETH,2,0.30000000000000004,${seen},FALSE,TRUE`,
      '',
    ]);
  });

  it('shows readers that guess types a text first, and says what to do where there is none', async () => {
    const times = [0, 1].map((number) => start + number * hour);
    const found = times.map((time) => row('T', time, { [mentions]: 1 }));
    await storeAnswer(database, answer({ tokens: ['T'], rows: found, receivedAt }));
    try {
      const tokensOf = (csv: string) =>
        csv
          .trim()
          .split('\n')
          .slice(1)
          .map((line) => line.split(',')[1]);
      const mixed = await run('--token', 'WIF,T,BTC', '--metric', 'mention_count');
      expect(tokensOf(mixed.stdout)).toEqual(['BTC', 'BTC', 'BTC', 'T', 'T']);
      expect(mixed.stderr).toBe('');
      const alone = await run('--token', 'WIF,T', '--metric', 'mention_count');
      expect(tokensOf(alone.stdout)).toEqual(['T', 'T']);
      expect(alone.stderr).toMatch(/^'T' looks like .*VARCHAR.*colClasses.*dtype.*Parquet\n$/);
      expect((await run('--token', 'T', '--output', join(folder, 't.csv'))).stderr).toContain(
        "'T' looks like",
      );
      expect((await run('--token', 'T', '--output', join(folder, 't.parquet'))).stderr).not.toContain(
        'looks like',
      );
    } finally {
      await database.pool.query("delete from cryptoracle.metrics_1h where token = 'T'");
    }
  });

  it('takes a range, its end not included, and tokens', async () => {
    const to = new Date(start + 2 * hour).toISOString();
    const { stdout } = await run('--token', 'ETH', '--from', '2025-06-01 01:00', '--to', to);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toBe(header(metrics.map(({ column }) => column)));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(`${new Date(start + hour).toISOString()},ETH,`);
  });

  it('writes Parquet with the same values, its times in UTC', async () => {
    const output = join(folder, 'all.parquet');
    const { code, stdout, stderr } = await run('--output', output);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/all\.parquet: 6 rows of 2 tokens, /);
    const file = await asyncBufferFromFile(output);
    const found = await parquetReadObjects({ file });
    const stored = await rows(
      database,
      `select time, token, ${metrics.map(({ column }) => column).join()}, first_seen_at, backfilled, is_final
       from cryptoracle.metrics where granularity = '1h' order by token, time`,
    );
    expect(found).toEqual(stored);
    const schema = parquetSchema(await parquetMetadataAsync(file));
    expect(schema.children[0]?.element.logical_type).toMatchObject({
      type: 'TIMESTAMP',
      isAdjustedToUTC: true,
    });
  });

  it('writes a file with columns and no rows where there are none', async () => {
    const output = join(folder, 'empty.parquet');
    const ended = await run('--from', '2030-01-01', '--output', output);
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/no rows: no 1h windows/) });
    const file = await asyncBufferFromFile(output);
    expect(await parquetReadObjects({ file })).toEqual([]);
    expect(parquetSchema(await parquetMetadataAsync(file)).children).toHaveLength(metrics.length + 5);
    const csv = join(folder, 'empty.csv');
    expect((await run('--from', '2030-01-01', '--metric', 'mention_count', '--output', csv)).code).toBe(0);
    expect(readFileSync(csv, 'utf8')).toBe(`${header(['mention_count'])}\n`);
  });

  it('tells in one line what is wrong, and touches no file', async () => {
    writeFileSync(join(folder, 'kept.csv'), 'kept');
    const before = readdirSync(folder);
    const [token, format, range, path, name, other] = await Promise.all([
      run('--token', 'btc', '--output', 'kept.csv', '--force'),
      run('--format', 'parquet'),
      run('--from', '2025-02-01', '--to', '2025-01-01'),
      run('--output', join(folder, 'no', 'such.csv')),
      run('--output', 'values.xlsx'),
      run('--output', 'values.csv', '--format', 'parquet'),
    ]);
    expectMistake(token, ['--token', 'did you mean BTC']);
    expectMistake(format, ['--output']);
    expectMistake(range, ['--from']);
    expectMistake(path, ['--output', 'such.csv', 'no such file or directory']);
    expect(path.stderr).not.toContain('unfinished');
    expectMistake(name, ['--output', '.xlsx', '--format']);
    expectMistake(other, ['--output', 'values.csv', 'parquet', '--format']);
    expect(readdirSync(folder)).toEqual(before);
    expect(readFileSync(join(folder, 'kept.csv'), 'utf8')).toBe('kept');
  });

  it('writes to the file behind a link, and takes the place of nothing else', async () => {
    writeFileSync(join(folder, 'target.csv'), 'old');
    symlinkSync('target.csv', join(folder, 'link.csv'));
    const before = readFileSync(join(folder, 'link.csv'), 'utf8');
    expectMistake(await run('--output', join(folder, 'link.csv')), ['--output', 'exists', '--force']);
    expect(readFileSync(join(folder, 'link.csv'), 'utf8')).toBe(before);
    expect((await run('--output', join(folder, 'link.csv'), '--force')).code).toBe(0);
    expect(lstatSync(join(folder, 'link.csv')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'target.csv'), 'utf8')).toContain('BTC');
    const pipe = join(folder, 'pipe.csv');
    spawnSync('mkfifo', [pipe]);
    mkdirSync(join(folder, 'folder.csv'));
    for (const output of [pipe, join(folder, 'folder.csv')]) {
      expectMistake(await run('--output', output), ['--output', 'is no file']);
    }
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });

  it('leaves nothing behind when it is stopped half-way', async () => {
    const before = readdirSync(folder);
    // Another session holds the table: the export has begun its file and waits.
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    try {
      await holder.query('begin; lock table cryptoracle.metrics_1h in access exclusive mode');
      for (const format of ['csv', 'parquet']) {
        const running = startCli(
          folder,
          ['export', '--granularity', '1h', '--format', format, '--output', 'half'],
          settings,
        );
        let hasEnded = false;
        running.process.once('exit', () => {
          hasEnded = true;
        });
        while (!hasEnded && !readdirSync(folder).some((name) => name.startsWith('half.unfinished'))) {
          await new Promise((done) => setTimeout(done, 50));
        }
        expect(hasEnded).toBe(false);
        running.process.kill('SIGINT');
        const { code } = await running.ended;
        expect(code).not.toBe(0);
        expect(readdirSync(folder)).toEqual(before);
      }
    } finally {
      await holder.end();
    }
  });

  it('ends in peace where its reader has seen enough', async () => {
    const running = startCli(folder, ['export', '--granularity', '1h'], settings);
    running.process.stdout?.destroy();
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
