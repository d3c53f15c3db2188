import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDecimal, keepsDigits, withExactNumbers } from '../../src/api/numbers.ts';
import { expectQuick } from '../support/processor-time.ts';

/** What a double makes of a decimal, digit by digit: the exact value of the double, by whole numbers alone. */
function isExactly(value: number, text: string): boolean {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const scale = Number(exponent) - fraction.length;
  // value = n * 2^power, compared with digits * 10^scale.
  let power = 0;
  let shifted = value;
  while (!Number.isInteger(shifted)) {
    shifted *= 2;
    power--;
  }
  const digits = BigInt(whole + fraction);
  const left = BigInt(shifted) * 10n ** BigInt(Math.max(0, -scale));
  const right = digits * 10n ** BigInt(Math.max(0, scale)) * 2n ** BigInt(-power);
  return left === right;
}

describe('a number as text', () => {
  it('is kept where a double was written out, however it is written', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(keepsDigits(String(value))).toBe(true);
        if (value !== 0) expect(keepsDigits(value.toPrecision(17))).toBe(true);
      }),
    );
  });

  it('is kept where a double is exactly that, and not where a long one is another', () => {
    const digits = fc
      .integer({ min: 18, max: 22 })
      .chain((length) =>
        fc.array(fc.nat(9), { minLength: length, maxLength: length }).map((each) => `7${each.join('')}3`),
      );
    fc.assert(
      fc.property(digits, (text) => {
        expect(keepsDigits(text)).toBe(false);
        expect(isExactly(Number(text), text)).toBe(false);
        expect(keepsDigits(`0.${text}`)).toBe(false);
      }),
    );
  });

  it.each([
    ['0', true],
    ['-0.000', true],
    ['100000000000000000000000', true],
    ['123456789012345', true],
    ['9007199254740993', false],
    ['12345678901234567890', false],
    ['0.1000000000000000055', false],
    ['0.1', true],
    ['1e400', false],
    ['1e-400', false],
    ['1.7e308', true],
  ])('%s is kept: %s', (text, expected) => {
    expect(keepsDigits(text)).toBe(expected);
  });
});

describe('JSON with numbers that would be lost', () => {
  it.each([
    ['[1e400,-1e400,12345678901234567890]', ['1e400', '-1e400', '12345678901234567890']],
    ['{"value":0.12345678901234567891,"code":200}', { value: '0.12345678901234567891', code: 200 }],
    ['["1e400 \\" 12345678901234567890",1.5e3]', ['1e400 " 12345678901234567890', 1500]],
    ['[1,2.5,"x"]', [1, 2.5, 'x']],
  ])('%s gives them as texts', (json, expected) => {
    expect(JSON.parse(withExactNumbers(json))).toEqual(expected);
  });

  it('is the same in all else, and no JSON where it was none', () => {
    const parse = (text: string): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        return 'no JSON';
      }
    };
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(parse(withExactNumbers(json))).toEqual(parse(json));
      }),
    );
    const pieces = fc.array(
      fc.constantFrom('"', '\\', '1', '2345678901234567', 'e', '-', '.', '[', ']', ',', ':', ' '),
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('');
        const isJson = parse(text) !== 'no JSON';
        expect(parse(withExactNumbers(text)) !== 'no JSON').toBe(isJson);
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no longer for a text that never ends', () => {
    expectQuick(() => withExactNumbers(`1e5"${'\\"'.repeat(1_000_000)}`));
    expectQuick(() => withExactNumbers('1e'.repeat(1_000_000)));
  });

  it('knows which of the texts that are a number are decimal', () => {
    const grammar = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
    const piece = fc.constantFrom(...'0123456789+-._eExXbBoOaAfFnN', 'Infinity');
    const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    let [decimal, other] = [0, 0];
    const check = (each: string) => {
      if (each === '' || !Number.isFinite(Number(each))) return;
      expect(isDecimal(each), each).toBe(grammar.test(each));
      if (isDecimal(each)) decimal++;
      else other++;
    };
    fc.assert(fc.property(text, check), { numRuns: 20_000 });
    for (const each of ['7', '.5', '5.', '+2', '-1.5e-3', '1E5', '0x10', '0XFF', '0b1', '0B0', '0o7', '0O7'])
      check(each);
    expect(decimal).toBeGreaterThan(500);
    expect(other).toBeGreaterThan(5);
  });
});
