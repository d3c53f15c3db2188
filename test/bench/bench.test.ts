import { describe, expect, inject, it } from 'vitest';
import { isMeasured, meets } from '../../bench/figure.ts';
import { measure } from '../../bench/measure.ts';
import { benches } from '../../bench/registry.ts';
import { jsonOf, tableOf, withResults } from '../../bench/report.ts';

/** Those that start processes of the program, or repeat another, take longer than a test may: the CI runs the command itself. */
const slow = [
  ...['end-to-end', 'quality-broken', 'latency-bound', 'fresh', 'memory', 'start', 'scale'],
  ...['scaling', 'replica'],
];

/** Whether each bench works, on a size whose ratios mean nothing. */
describe('npm run bench', () => {
  const server = () => ({ name: 'plain', url: inject('plainUrl') });
  const quick = benches.filter(({ name }) => !slow.includes(name));

  it.each(quick)(
    '$name gives finite figures',
    async (bench) => {
      const results = await measure(bench, 'tiny', bench.needsDatabase ? server() : undefined);
      expect(results.length).toBeGreaterThan(0);
      for (const { figure } of results) {
        if (isMeasured(figure)) expect(figure.value, figure.name).toSatisfy(Number.isFinite);
        else expect(figure.absent).not.toBe('');
      }
    },
    120_000,
  );

  it('has a name of its own for each bench', () => {
    expect(new Set(benches.map(({ name }) => name)).size).toBe(benches.length);
  });
});

describe('the report', () => {
  const results = [
    {
      bench: 'store',
      server: 'plain',
      figure: { name: 'store ÷ COPY', value: 0.25, unit: '×', goal: { atLeast: 0.5 }, detail: '10 values' },
    },
    {
      bench: 'memory',
      figure: { name: 'worker', value: 120, unit: 'MB', goal: { atMost: 160 }, detail: 'a year' },
    },
    {
      bench: 'script',
      figure: { name: 'all ÷ script', unit: '×', goal: { atLeast: 4 }, absent: 'no python3' },
    },
  ] as const;

  it('says of each figure whether it meets its goal', () => {
    expect(results.map(({ figure }) => isMeasured(figure) && meets(figure))).toEqual([false, true, false]);
    expect(jsonOf(results, 'tiny').results.map(({ verdict }) => verdict)).toEqual(['short', 'ok', 'absent']);
  });

  it('has goal and result of each figure in the table', () => {
    const lines = tableOf(results)
      .split('\n')
      .filter((line) => line.includes('store') || line.includes('memory'));
    expect(lines[0]).toMatch(/≥ 0\.500.*0\.250.*short/);
    expect(lines[1]).toMatch(/≤ 160 MB.*120 MB.*ok/);
  });

  it('replaces what stands between the marks of a document, and nothing else', () => {
    const begin = '<!-- results: written by `npm run bench -- --write` -->';
    const document = `before\n${begin}\nold\n<!-- end of results -->\nafter\n`;
    const written = withResults(document, results, 'tiny');
    expect(written).toMatch(/^before\n/);
    expect(written).toMatch(/\nafter\n$/);
    expect(written).not.toContain('old');
    for (const row of [
      '| memory |  | worker | ≤ 160 MB | 120 MB | ok |',
      '| store | plain | store ÷ COPY | ≥ 0.500 | 0.250 | short |',
    ]) {
      expect(written).toContain(row);
    }
    // A later run of one bench leaves the rows of the others.
    const again = withResults(
      written,
      [{ ...results[1], figure: { ...results[1].figure, value: 130 } }],
      'small',
    );
    expect(again).toMatch(/\| memory \|.*130 MB.*small\)/);
    expect(again).not.toContain('120 MB');
    expect(again).toContain('| store | plain | store ÷ COPY |');
    expect(() => withResults('no marks', results, 'tiny')).toThrow(/no part/);
  });
});
