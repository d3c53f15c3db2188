import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundledCatalogue, granularities, metrics } from '../../src/catalog/index.ts';
import {
  chosenMetrics,
  parseGranularities,
  parseInstant,
  parseMetrics,
  parsePort,
  parsePositive,
  parseTokens,
} from '../../src/commands/options.ts';
import { expectQuick } from '../support/processor-time.ts';

describe('a date', () => {
  it.each([
    ['2025-01-31', '2025-01-30T16:00:00Z'],
    ['2025-01-31 08:00', '2025-01-31T00:00:00Z'],
    ['2025-01-31 08:00:30', '2025-01-31T00:00:30Z'],
    ['2025-01-31T08:00:30', '2025-01-31T00:00:30Z'],
    [' 2025-01-31 ', '2025-01-30T16:00:00Z'],
  ])('without a zone is Beijing time: %j is %s', (text, iso) => {
    expect(new Date(parseInstant(text)).toISOString()).toBe(new Date(iso).toISOString());
  });

  it.each([
    ['2025-01-31T08:00:00Z', '2025-01-31T08:00:00Z'],
    ['2025-01-31T08:00Z', '2025-01-31T08:00:00Z'],
    ['2025-01-31T08:00:00.000Z', '2025-01-31T08:00:00Z'],
    ['2025-01-31T08:00:00.7Z', '2025-01-31T08:00:00.700Z'],
    ['2025-01-31T08:00:00.123456+08:00', '2025-01-31T00:00:00.123Z'],
    ['2025-01-31T08:00:00+08:00', '2025-01-31T00:00:00Z'],
    ['2025-01-31 08:00:00+08:00', '2025-01-31T00:00:00Z'],
    ['2025-01-31T08:00:00-05:00', '2025-01-31T13:00:00Z'],
    ['2024-02-29T00:00:00+14:00', '2024-02-28T10:00:00Z'],
  ])('with a zone is what it says: %j is %s', (text, iso) => {
    expect(new Date(parseInstant(text)).toISOString()).toBe(new Date(iso).toISOString());
  });

  it.each([
    '',
    'the day before',
    '2025-02-29',
    '2025-13-01',
    '2025-01-31 25:00',
    '2025-1-31',
    '31.01.2025',
    '2025-01-31.5',
    '2025-01-31T08:00.5Z',
    '2025-01-31Z',
    '2025-01-31+08:00',
    '2025-13-01T00:00:00Z',
    '2025-01-31T08:00:00 Beijing',
    '2025-01-31T08:00:00+24:00',
    '2025-01-31T08:00:00-08:60',
    '2025-01-31T08:00:00Z+08:00',
    '1735660800000',
  ])('is not %j', (text) => {
    expect(() => parseInstant(text)).toThrow(InvalidArgumentError);
  });

  it.each([
    '2025-02-29T00:00:00Z',
    '2025-02-30T12:00:00+08:00',
    '2025-04-31T00:00:00Z',
    '2025-06-31T08:00:00-05:00',
  ])('that does not exist is refused with a zone, too: %s', (text) => {
    expect(() => parseInstant(text)).toThrow(InvalidArgumentError);
  });

  it.each(['Jan 5 12:00Z', '1 12:00 Z', '5 2025 12:00+08:00', '01/02/2025 12:00Z'])(
    'is written year first, so that nobody has to guess: not %j',
    (text) => {
      expect(() => parseInstant(text)).toThrow(InvalidArgumentError);
    },
  );

  it('with any zone is what JavaScript takes it for', () => {
    const two = (most: number) => fc.nat({ max: most }).map((number) => String(number).padStart(2, '0'));
    const instants = fc.tuple(fc.constantFrom('+', '-'), two(23), two(59), fc.constantFrom(':', ''));
    fc.assert(
      fc.property(two(23), instants, (hour, [sign, hours, minutes, colon]) => {
        const text = `2025-01-31T${hour}:30:00${sign}${hours}`;
        expect(parseInstant(`${text}${colon}${minutes}`)).toBe(Date.parse(`${text}:${minutes}`));
      }),
    );
  });

  it('that is absurdly long is refused in no time', () => {
    for (const piece of ['00:00', '0', ':', ' ', '+00:00', '2025-01-31 '])
      expectQuick(() =>
        expect(() => parseInstant(piece.repeat(500_000 / piece.length))).toThrow(InvalidArgumentError),
      );
  });

  it('that is wrong is quoted, with an example of a right one', () => {
    expect(() => parseInstant('tomorrow')).toThrow(/^'tomorrow' is no date such as 2025-01-31/);
  });
});

const metricsOf = (text: string) => chosenMetrics(parseMetrics(text), bundledCatalogue);

describe('lists', () => {
  it('are split at commas, blanks aside', () => {
    expect(parseGranularities('1d, 15m')).toEqual(['1d', '15m']);
    expect(parseTokens(' BTC ,1INCH,')).toEqual(['BTC', '1INCH']);
    expect(parseMetrics('mention_count, CO-A-02-03')).toEqual(['mention_count', 'CO-A-02-03']);
  });

  it('take every metric by code and by column, in any case', () => {
    for (const { code, column } of metrics) {
      for (const text of [code, column, code.toLowerCase(), column.toUpperCase()]) {
        expect(metricsOf(text)).toEqual([code]);
      }
    }
  });

  it('may say all', () => {
    expect(parseGranularities('all')).toEqual(granularities);
    expect(parseTokens('all')).toBe('all');
    expect(metricsOf('all')).toEqual(metrics.map(({ code }) => code));
  });

  it('hold each item once, however often and by whatever name it is given', () => {
    expect(parseGranularities('1h,1d,1h')).toEqual(['1h', '1d']);
    expect(parseTokens('BTC,ETH,BTC')).toEqual(['BTC', 'ETH']);
    expect(metricsOf('mention_count,CO-A-01-05,MENTION_COUNT')).toEqual(['CO-A-01-05']);
  });

  it.each(['', ' ', ',', ' , ,'])('are not empty: %j', (text) => {
    for (const parse of [parseGranularities, parseTokens, parseMetrics]) {
      expect(() => parse(text)).toThrow(InvalidArgumentError);
    }
  });

  it('name the item that is unknown', () => {
    expect(() => parseGranularities('1h,2h')).toThrow(/'2h'.*15m, 1h, 4h, 1d/);
    expect(() => parseTokens('BTC,E TH')).toThrow(/'E TH'/);
    expect(() => metricsOf('mention_count,nonsense')).toThrow(/^--metric: unknown metric 'nonsense'/);
    expect(() => metricsOf('mention_cont')).toThrow(/did you mean mention_count/);
  });
});

describe('numbers', () => {
  it('of at least 1 are whole', () => {
    expect(['1', '7', '1000000'].map(parsePositive)).toEqual([1, 7, 1_000_000]);
    for (const text of ['', '0', '-1', '1.5', 'x', '1e400', 'NaN', '9007199254740993']) {
      expect(() => parsePositive(text)).toThrow(InvalidArgumentError);
    }
  });

  it('of ports go from 0 to 65535', () => {
    expect(['0', '80', '65535'].map(parsePort)).toEqual([0, 80, 65_535]);
    for (const text of ['-1', '65536', '80.5', 'http', 'NaN']) {
      expect(() => parsePort(text)).toThrow(InvalidArgumentError);
    }
  });

  it('of ports are given: an empty text is none', () => {
    for (const text of ['', ' ']) expect(() => parsePort(text)).toThrow(InvalidArgumentError);
  });
});

describe('any text', () => {
  const character = fc.constantFrom(...'019Z:-+. ,TBC/\0\n\u00e9\u6bd4\ud800\u{1f680}');
  it('is read or refused, and never breaks a parser', () => {
    const parsers = [parseInstant, parseGranularities, parseTokens, parseMetrics, parsePositive, parsePort];
    fc.assert(
      fc.property(fc.constantFrom(...parsers), fc.string({ unit: character }), (parse, text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidArgumentError);
        }
      }),
      { numRuns: 400 },
    );
  });
});
