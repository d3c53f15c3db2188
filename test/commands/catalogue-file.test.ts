import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { createCatalogue, type MetricCode, parseCatalogueFile } from '../../src/catalog/index.ts';
import { day } from '../support/clock.ts';
import { describeOnServers, rows, value } from '../support/database.ts';
import { createCliWorld } from './cli-world.ts';

const file = [
  { code: 'CO-X-01-06', column: 'my_question_count', kind: 'count', range: [0, null], additive: true },
  { code: 'CO-A-01-05', column: 'mentions_by_author', kind: 'count', params: { by: 'author', window: 7 } },
  { code: 'CO-X-02-08', column: 'my_divergence', versions: ['v2.1'] },
];

const parsed = parseCatalogueFile(JSON.stringify(file));
const catalogue = createCatalogue({ userEntries: 'entries' in parsed ? parsed.entries : [] });
const byAuthor = 'CO-A-01-05?by=author&window=7' as MetricCode;

describeOnServers('a catalogue file', (kind) => {
  const world = createCliWorld({ server: kind, simulator: { market: { catalogue } } });
  const path = join(world.folder, 'own.json');
  const range = [
    '--from',
    '2025-06-01',
    '--to',
    '2025-06-03',
    '--granularity',
    '1d,4h',
    '--token',
    'BTC,ETH',
  ];
  const own = { CATALOGUE_FILE: path };

  beforeAll(() => writeFileSync(path, JSON.stringify(file)));

  it('makes its codes metrics like any other: asked for, stored, reported, exported', async () => {
    expect(await world.run(['migrate'], own)).toMatchObject({ code: 0 });
    const filled = await world.run(['backfill', ...range, '--json'], own);
    expect(filled).toMatchObject({ code: 0 });

    const stored = await rows<{ time: Date; token: string } & Record<string, unknown>>(
      world.database,
      `select "time", token, my_question_count, mention_count, mentions_by_author, my_divergence
       from cryptoracle.metrics where granularity = '4h' and "time" >= '2025-06-01T00:00:00Z'`,
    );
    expect(stored.length).toBeGreaterThanOrEqual(20);
    const { market } = world.simulator;
    for (const { time, token, ...values } of stored) {
      const truth = (code: MetricCode) => market.value('4h', token, code, time.getTime());
      expect(values).toEqual({
        my_question_count: truth('CO-X-01-06' as MetricCode),
        mention_count: truth('CO-A-01-05'),
        mentions_by_author: truth(byAuthor),
        my_divergence: null,
      });
    }
    expect(stored.some((row) => row.mention_count !== row.mentions_by_author)).toBe(true);

    const gaps = await world.run(['gaps', ...range.slice(0, 4), '--all', '--token', 'BTC', '--json'], {
      ...own,
      GRANULARITIES: '4h',
    });
    const found: { reason: string; metrics: string[] }[] = JSON.parse(gaps.stdout);
    const inVain = found.filter(({ reason }) => reason === 'not in this API version');
    expect(inVain.flatMap(({ metrics }) => metrics)).toContain('CO-X-02-08');
    expect(found.filter(({ reason }) => reason === 'not asked yet')).toEqual([]);

    const csv = await world.run(
      ['export', '--granularity', '1d', '--metric', 'my_question_count,mentions_by_author', '--token', 'BTC'],
      own,
    );
    expect(csv.stdout.split('\n')[0]).toMatch(/my_question_count,mentions_by_author/);
  });

  it('has series of one code asked for in requests of their own, with their parameters', () => {
    const asked = world.simulator.log
      .filter(({ call }) => call === 'endpoint')
      .map(({ business }) => business);
    const withParams = asked.filter((each) => each?.extraParams !== undefined);
    expect(withParams.length).toBeGreaterThan(0);
    for (const each of withParams) {
      expect(each?.extraParams).toEqual([{ endpoint: 'CO-A-01-05', param: { by: 'author', window: 7 } }]);
      expect(each?.endpoints).toEqual(['CO-A-01-05']);
    }
  });

  it('is shown by doctor, and its codes are metrics of --metric and METRICS', async () => {
    const doctor = await world.run(['doctor'], { ...own, METRICS: 'my_question_count,CO-A-01-05' });
    expect(doctor.stdout).toContain(`mentions_by_author (${byAuthor})`);
    const unknown = await world.run(['gaps', '--metric', 'my_question_cont'], own);
    expect(unknown).toMatchObject({ code: 1 });
    expect(unknown.stderr).toContain(
      "--metric: unknown metric 'my_question_cont' (did you mean my_question_count?)",
    );
    const without = await world.run(['gaps', '--metric', 'my_question_count']);
    expect(without.stderr).toContain("--metric: unknown metric 'my_question_count'");
  });

  it('that clashes is one line, and nothing is altered', async () => {
    const columns = () => value(world.database, 'select count(*)::int from information_schema.columns');
    const before = await columns();
    const wrong = join(world.folder, 'wrong.json');
    writeFileSync(
      wrong,
      JSON.stringify([
        { code: 'CO-X-01', column: 'x' },
        { ...file[0], column: 'questions' },
      ]),
    );
    const clash = await world.run(['migrate'], { CATALOGUE_FILE: wrong });
    expect(clash.code).toBe(1);
    expect(clash.stderr.trim().split('\n').at(-1)).toBe(
      'error: CATALOGUE_FILE: CO-X-01-06: its column in the database is my_question_count; leave it so',
    );
    const absent = await world.run(['migrate'], { CATALOGUE_FILE: join(world.folder, 'none.json') });
    expect(absent.stderr).toMatch(
      /^error: CATALOGUE_FILE: cannot read .*none\.json \(ENOENT\) \(see \.env\.example\)\n$/,
    );
    expect(await columns()).toBe(before);
  });

  it.runIf(kind === 'plain PostgreSQL')('keeps the values of before it for as_of, too', async () => {
    const at = new Date(Date.now() + day).toISOString();
    const known = await value(
      world.database,
      `select count(my_question_count)::int from cryptoracle.as_of('4h', '${at}')`,
    );
    expect(known).toBeGreaterThan(0);
  });
});
