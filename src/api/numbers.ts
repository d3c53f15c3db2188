/** Numbers as others write them, and what a double makes of them. */

const [b, o, x] = [0x62, 0x6f, 0x78];

/** Whether a text without spaces around it, of which `Number` makes a finite number, is a decimal one: not `0x10`, `0b1` or `0o7`. */
export function isDecimal(text: string): boolean {
  // In lower case; a digit, a point or a sign becomes none of the three.
  const second = text.charCodeAt(1) | 0x20;
  return second !== x && second !== b && second !== o;
}

/** JSON allows no point at an end, no plus sign, and no zeros in front. */
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** So many significant digits a double always keeps. */
const alwaysKept = 15;

/** With so many digits at most a double is written. */
const mostWritten = 17;

/** The significant digits of a number, and the place of the first; so two ways to write a number become one. */
function significant(text: string): { readonly digits: string; readonly place: number } {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().replace(/^[+-]/, '').split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  const leading = all.length - all.replace(/^0+/, '').length;
  const digits = all.slice(leading).replace(/0+$/, '');
  return digits === '' ? { digits, place: 0 } : { digits, place: whole.length - leading + Number(exponent) };
}

/**
 * Whether a double keeps every digit of the text, which is a decimal number.
 * @param value what `Number` makes of the text
 */
export function keepsDigits(text: string, value = Number(text)): boolean {
  if (!Number.isFinite(value)) return false;
  // Nearly all values are so short that there is nothing to count; a zero may be one that was too small.
  if (text.length <= alwaysKept && (value !== 0 || !/[1-9]/.test(text))) return true;
  const written = significant(text);
  const count = written.digits.length;
  if (count <= alwaysKept && value !== 0) return true;
  if (count === 0 || count > mostWritten) return count === 0;
  // Between two texts that are as near, rounding to digits and the shortest text choose differently.
  return [value.toPrecision(count), String(value)].some((text) => {
    const kept = significant(text);
    return kept.digits === written.digits && kept.place === written.place;
  });
}

/**
 * A number that might not be kept, which in JSON begins the text or follows one of three marks. Most texts have none, for the
 * API sends values as texts, and are not walked through.
 */
const perhapsLost = /(?:^|[[:,])\s*-?(?:[\d.]{16}|\d[\d.]*[eE])/;

const quote = 0x22;
const backslash = 0x5c;

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
/** Digits and what may stand within a number: `+`, `-`, `.`, `E` and `e`. */
const isOfNumber = (code: number) =>
  isDigit(code) || code === 0x2b || code === 0x2d || code === 0x2e || code === 0x45 || code === 0x65;

/** Where the text that begins at `from` ends, its closing quote included. */
function endOfText(json: string, from: number): number {
  for (let at = from + 1; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === backslash) at++;
    else if (code === quote) return at + 1;
  }
  return json.length;
}

/**
 * The same JSON in which numbers that a double would round, or not hold, stand as texts: `JSON.parse` says nothing of
 * them. It is read once, from the beginning to the end.
 */
export function withExactNumbers(json: string): string {
  if (!perhapsLost.test(json)) return json;
  let made = '';
  let taken = 0;
  for (let at = 0; at < json.length; ) {
    const code = json.charCodeAt(at);
    if (code === quote) at = endOfText(json, at);
    else if (isDigit(code) || code === 0x2d) {
      const from = at;
      while (at < json.length && isOfNumber(json.charCodeAt(at))) at++;
      const number = json.slice(from, at);
      if (!jsonNumber.test(number) || keepsDigits(number)) continue;
      made += `${json.slice(taken, from)}"${number}"`;
      taken = at;
    } else at++;
  }
  return made + json.slice(taken);
}
