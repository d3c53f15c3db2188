import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  apiVersions,
  askedApart,
  createCatalogue,
  parseCatalogueFile,
  seriesCode,
} from '../../src/catalog/index.ts';

const problemOf = (content: unknown) => {
  const file = parseCatalogueFile(typeof content === 'string' ? content : JSON.stringify(content));
  return 'problem' in file ? file.problem : undefined;
};

const entriesOf = (content: unknown) => {
  const file = parseCatalogueFile(JSON.stringify(content));
  if ('problem' in file) throw new Error(file.problem);
  return file.entries;
};

const questions = { code: 'CO-A-01-06', column: 'question_count' };

describe('a catalogue file', () => {
  it('is the example, whose metrics stand behind the bundled ones', () => {
    const text = readFileSync(new URL('../../catalogue/example.json', import.meta.url), 'utf8');
    const catalogue = createCatalogue({ version: 'v2.1', userEntries: entriesOf(JSON.parse(text)) });
    const own = catalogue.metrics.filter(({ origin }) => origin === 'user');
    const listed: { metrics: { column: string }[] } = JSON.parse(text);
    expect(own.map(({ column }) => column)).toEqual(listed.metrics.map(({ column }) => column));
    expect(own).toContainEqual(expect.objectContaining({ code: 'CO-A-01-05?window=7' }));
    expect(catalogue.metrics.slice(-own.length)).toEqual(own);
    expect(catalogue.find('mention_count_7d')).toMatchObject({
      endpoint: 'CO-A-01-05',
      params: { window: 7 },
    });
  });

  it('may leave out all but code and column, and be the list alone', () => {
    expect(entriesOf([questions])).toEqual(entriesOf({ metrics: [questions] }));
    expect(entriesOf([questions])).toMatchObject([
      { ...questions, unit: '1', minimum: null, maximum: null, summable: false, versions: apiVersions },
    ]);
  });

  it('says what it says', () => {
    const given = { ...questions, range: [0, null], additive: true, kind: 'count', unit: 'questions' };
    const more = {
      name: 'Questions',
      description: 'Questions asked.',
      versions: ['v2'],
      params: { a: true },
    };
    expect(entriesOf([{ ...given, ...more }])).toMatchObject([
      {
        ...{ kind: 'count', unit: 'questions', minimum: 0, maximum: null, summable: true },
        ...{ name: 'Questions', meaning: 'Questions asked', versions: ['v2'], params: { a: true } },
      },
    ]);
  });

  it.each([
    ['no JSON', '{"metrics": [', /^is no JSON/],
    ['something else', { metric: [] }, /must be a list of metrics/],
    ['an entry without a column', [{ code: 'CO-A-01-06' }], /metric 1 \(CO-A-01-06\): column is missing/],
    ['a misspelt field', [{ ...questions, knd: 'count' }], /unknown field 'knd'; did you mean 'kind'\?/],
    ['another kind', [{ ...questions, kind: 'counter' }], /kind must be one of rank/],
    ['a range upside down', [{ ...questions, range: [1, 0] }], /range has its bounds the wrong way round/],
    [
      'a version that there is not',
      [{ ...questions, versions: ['v99'] }],
      new RegExp(`versions must be among ${apiVersions.join(', ')}`),
    ],
    ['a list as a parameter', [{ ...questions, params: { a: [1] } }], /params must be a text/],
    [
      'a bundled code',
      [{ code: 'CO-A-01-05', column: 'x' }],
      /comes with the program, as column mention_count/,
    ],
    ['a bundled column', [{ ...questions, column: 'mention_count' }], /belongs to CO-A-01-05 already/],
    ['a code twice', [questions, { ...questions, column: 'x' }], /metric 2 .* names this code twice/],
    ['a column twice', [questions, { ...questions, code: 'CO-X' }], /belongs to CO-A-01-06 already/],
    ['a column of the tables', [{ ...questions, column: 'token' }], /column is taken/],
    ['a word of SQL', [{ ...questions, column: 'order' }], /column is taken/],
    ['capitals', [{ ...questions, column: 'Questions' }], /column must be small letters/],
  ])('with %s is one line', (_, content, line) => {
    expect(problemOf(content)).toMatch(line);
    expect(problemOf(content)).not.toContain('\n');
  });

  it('takes a code again with other parameters', () => {
    const entries = [1, 2].map((window) => ({
      code: 'CO-A-01-05',
      column: `mentions_${window}`,
      params: { window },
    }));
    expect(problemOf(entries)).toBeUndefined();
    expect(problemOf([entries[0], { ...entries[0], column: 'x' }])).toMatch(/twice/);
  });

  it('is read or refused, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((text) => `[${text}]`),
        ),
        (text) => {
          const file = parseCatalogueFile(text);
          if ('problem' in file) expect(file.problem).not.toBe('');
          else createCatalogue({ userEntries: file.entries });
        },
      ),
    );
  });
});

const params = fc.dictionary(
  fc.constantFrom('a', 'b', 'c&'),
  fc.oneof(fc.string(), fc.integer(), fc.boolean()),
);

describe('the name of a series', () => {
  it('is the same in whichever order its parameters stand, and has no comma', () => {
    fc.assert(
      fc.property(params, (given) => {
        const turned = Object.fromEntries(Object.entries(given).toReversed());
        expect(seriesCode('CO-X', turned)).toBe(seriesCode('CO-X', given));
        expect(seriesCode('CO-X', given)).not.toContain(',');
      }),
    );
  });
});

describe('series of one code', () => {
  it('are asked for apart, in as few groups as can be, and each of them once', () => {
    const codes = fc.uniqueArray(
      fc
        .tuple(fc.constantFrom('CO-A', 'CO-B', 'CO-C'), fc.nat(3))
        .map(([code, n]) => seriesCode(code, n === 0 ? {} : { n })),
    );
    fc.assert(
      fc.property(codes, (asked) => {
        const groups = askedApart(asked);
        expect(groups.flat().toSorted()).toEqual(asked.toSorted());
        const endpoints = groups.map((group) => group.map((code) => code.replace(/\?.*/, '')));
        for (const group of endpoints) expect(new Set(group).size).toBe(group.length);
        const all = asked.map((code) => code.replace(/\?.*/, ''));
        const most = Math.max(1, ...all.map((code) => all.filter((each) => each === code).length));
        expect(groups).toHaveLength(most);
      }),
    );
  });
});
