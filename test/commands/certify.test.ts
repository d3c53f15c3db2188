import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { findPython } from '../../harness/python.ts';
import { day } from '../support/clock.ts';
import { describeOnServers } from '../support/database.ts';
import { expectMistake } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

interface Certificate {
  readonly hash: string;
  readonly at: string;
  readonly tokens: readonly string[];
  readonly metrics: readonly string[];
  readonly completeness: readonly {
    readonly granularity: string;
    readonly wanted: number;
    readonly values: number;
    readonly missing: Readonly<Record<string, number>>;
  }[];
  readonly parts: readonly { readonly token: string; readonly month: string }[];
}

const utc = (instant: number) => new Date(instant).toISOString();

const python = findPython('pandas');

describeOnServers('certify', (server) => {
  const world = createCliWorld({ server, settings: { TOKENS: 'BTC,ETH,XRP', GRANULARITIES: '4h,1d' } });
  const range = ['--from', utc(Date.now() - 40 * day), '--to', utc(Date.now() - 2 * day)];
  const certify = async (...options: string[]) => {
    const { code, stdout, stderr } = await world.run(['certify', ...range, '--json', ...options]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Certificate;
  };
  const file = () => join(world.folder, 'certificate.json');

  beforeAll(async () => {
    world.simulator.refuseMetric('CO-A-02-05');
    const filled = await world.run([
      'backfill',
      '--from',
      utc(Date.now() - 30 * day),
      '--to',
      utc(Date.now() - 2 * day),
    ]);
    expect(filled.code, filled.stderr).toBe(0);
    const made = await world.run(['certify', ...range, '--output', 'certificate.json']);
    expect(made.code, made.stderr).toBe(0);
  });

  it('counts what is missing by reason as `gaps` does', async () => {
    const { completeness } = await certify();
    const gaps = await world.run(['gaps', '--all', '--json', ...range]);
    const found = JSON.parse(gaps.stdout) as { granularity: string; reason: string; values: number }[];
    for (const { granularity, wanted, values, missing } of completeness) {
      const counted: Record<string, number> = {};
      for (const gap of found.filter((each) => each.granularity === granularity)) {
        counted[gap.reason] = (counted[gap.reason] ?? 0) + gap.values;
      }
      expect(missing).toEqual(counted);
      expect(wanted).toBe(values + Object.values(missing).reduce((sum, each) => sum + each, 0));
      expect(Object.keys(missing)).toEqual(expect.arrayContaining(['not asked yet', 'not entitled']));
    }
    const before = await certify('--at', '-1h', '--granularity', '1d');
    expect(before.parts).toEqual([]);
    // What has a value now was not known then.
    const [now] = completeness.filter(({ granularity }) => granularity === '1d');
    expect(before.completeness[0]?.missing).toMatchObject({ 'not known yet': now?.values });
  });

  it('says whether the data are still those, and what differs', async () => {
    const same = await world.run(['certify', '--verify', 'certificate.json']);
    expect(same).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^the same: [\d,]+ values in \d+ parts\nhash [0-9a-f]{64}\n$/),
    });
    const { at, hash } = JSON.parse(readFileSync(file(), 'utf8')) as Certificate;
    expect((await certify('--at', at)).hash).toBe(hash);

    // A value changes as the pipeline changes one, with a revision.
    const [changed] = await world.database.pool
      .query<{ time: Date; old: number }>(
        `update cryptoracle.metrics_4h as m set mention_count = m.mention_count + 1, updated_at = now()
         from (select token, time, mention_count as old from cryptoracle.metrics_4h
               where token = 'ETH' and mention_count is not null order by time desc limit 1) as newest
         where m.token = newest.token and m.time = newest.time returning m.time, newest.old`,
      )
      .then(({ rows }) => rows);
    await world.database.pool.query(
      `insert into cryptoracle.revisions (granularity, token, time, metric, old, new, revised_at)
       values ('4h', 'ETH', $1, 'CO-A-01-05', $2::float8, $2::float8 + 1, now())`,
      [changed?.time, changed?.old],
    );
    const revised = await world.run(['certify', '--verify', 'certificate.json']);
    expect(revised.code).toBe(1);
    expect(revised.stdout).toContain('NOT THE SAME: 1 part of');
    expect(revised.stdout).toMatch(
      new RegExp(`4h +ETH +${changed?.time.toISOString().slice(0, 7)} .*changed`),
    );
    expect(revised.stdout).toContain('still to be had: cryptoracle.as_of');
    for (const line of revised.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    // As it was known when it was certified, nothing has changed.
    expect((await world.run(['certify', '--verify', 'certificate.json', '--at', at])).code).toBe(0);

    await world.database.pool.query("delete from cryptoracle.metrics_1d where token = 'BTC'");
    const removed = await world.run(['certify', '--verify', 'certificate.json', '--json']);
    expect(removed.code).toBe(1);
    const result = JSON.parse(removed.stdout) as {
      stillKnownAsOf: boolean;
      differing: { token: string; what: string }[];
    };
    expect(result.stillKnownAsOf).toBe(false);
    expect(result.differing.filter(({ what }) => what === 'gone').map(({ token }) => token)).toContain('BTC');
  });

  it.skipIf(python === undefined)(
    'has the hash that pandas gets from an export, as the documentation works it out',
    async () => {
      const { hash, tokens, metrics } = await certify();
      const columns = await world.database.pool.query<{ code: string; column_name: string }>(
        'select code, column_name from cryptoracle.metric_catalog where code = any ($1)',
        [metrics],
      );
      for (const granularity of ['4h', '1d']) {
        const exported = await world.run([
          ...[
            'export',
            ...range,
            '--granularity',
            granularity,
            '--token',
            tokens.join(),
            '--output',
            `${granularity}.csv`,
          ],
        ]);
        expect(exported.code, exported.stderr).toBe(0);
      }
      const page = readFileSync(new URL('../../docs/certificates.md', import.meta.url), 'utf8');
      const [, program = ''] = /```python\n([\s\S]*?)```/.exec(page) ?? [];
      const byCode = Object.fromEntries(columns.rows.map(({ code, column_name }) => [code, column_name]));
      const ask = `
frames = {name: read_export(name + ".csv") for name in ("4h", "1d")}
print(certificate_hash(frames, ${JSON.stringify(byCode)}))`;
      const printed = execFileSync(python ?? '', ['-c', program + ask], {
        cwd: world.folder,
        env: { TZ: 'Europe/Berlin' },
        encoding: 'utf8',
      });
      expect(printed.trim()).toBe(hash);
    },
  );

  it('is read at a terminal of 80 columns, and tells of mistakes in one line', async () => {
    const { stdout } = await world.run(['certify', ...range]);
    expect(stdout).toMatch(/^hash {4}[0-9a-f]{64}$/m);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expectMistake(await world.run(['certify']), ['--from', '--verify']);
    expectMistake(await world.run(['certify', ...range, '--at', '2100-01-01']), ['--at']);
    expectMistake(await world.run(['certify', ...range, '--output', 'certificate.json']), ['--force']);
    expectMistake(await world.run(['certify', '--verify', 'none.json']), ['none.json']);
    expectMistake(await world.run(['certify', '--verify', 'certificate.json', '--token', 'BTC']), [
      '--verify',
    ]);
    const forged = readFileSync(file(), 'utf8').replace(
      /"values": \d+,\n {3}"hash"/,
      '"values": 1,\n   "hash"',
    );
    writeFileSync(join(world.folder, 'forged.json'), forged);
    expectMistake(await world.run(['certify', '--verify', 'forged.json']), ['was changed']);
  });
});
