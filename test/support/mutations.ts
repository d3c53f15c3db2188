/**
 * Damage to JSON, drawn by seeds. Not fast-check's own arbitraries, which are too slow for a hundred thousand answers:
 * a property draws seeds, and drops those that do not matter when it shrinks.
 */

/** Numbers in [0, 1) that depend on nothing but the seed (mulberry32). */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, list: readonly [T, ...T[]]): T {
  return list[Math.floor(random() * list.length)] ?? list[0];
}

const names = [
  ...(['token', 'endPoints', 'timePeriods', 'endpoints', 'tags', 'data', 'startTime', 'endTime'] as const),
  ...(['endpoint', 'tag', 'code', 'value', 'symbol', 'name', 'timeType', 'msg', ''] as const),
  ...(['__proto__', 'constructor', 'toString', 'length', 'ENDPOINTS', '0', '\0', '\ud800'] as const),
] as const;

const leaves: readonly [unknown, ...unknown[]] = [
  ...([undefined, null, true, false, 0, -0, 1, -1, 0.5, 2 ** 31, 2 ** 53, 1e21, 1e308, 5e-324] as const),
  ...([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const),
  ...['', ' ', '0', '7', '-1.5', '1e3', '1e999', '-1e999', '1e-999', '0x10', '1_000', '1,5', '.', '-', '1e'],
  ...[
    'NaN',
    'Infinity',
    '-Infinity',
    'null',
    'undefined',
    'true',
    '[object Object]',
    '٣',
    '１',
    '9'.repeat(400),
  ],
  ...[
    '\0',
    'a\0b',
    '\ud800',
    '\udc00x',
    '\u202e',
    '\ufeff7',
    '\u00a07',
    '🚀',
    'é'.repeat(5000),
    '1'.repeat(5000),
  ],
  ...['BTC', 'btc', ' BTC', 'DOGE', 'B T C', '__proto__', 'constructor', 'x'.repeat(41)],
  ...['CO-A-01-01', 'CO-A-02-05', 'co-a-01-01', 'CO-A-99-99', 'CO-B-01-04', 'CO-B-99-99'],
  ...[
    '2025-01-01 00:00:00',
    '2025-01-01',
    '2025-01-01T00:00:00Z',
    '2025-01-01 00:00:01',
    '2025-02-30 00:00:00',
  ],
  ...[
    '0000-01-01 00:00:00',
    '9999-12-31 23:59:59',
    '2024-12-31 23:00:00',
    '2025-01-01 24:00:00',
    '1735660800000',
  ],
  ...['2025-01-01 00:00:00.000', ' 2025-01-01 01:00 ', '+275760-09-13', '2025-13-01 00:00:00'],
];

/** A value within one another so many times. */
function nested(value: unknown, levels: number, random: Random): unknown {
  const name = pick(random, names);
  const wrap = pick<(v: unknown) => unknown>(random, [
    (v: unknown) => [v],
    (v: unknown) => Object.fromEntries([[name, v]]),
  ]);
  let whole = value;
  for (let level = 0; level < levels; level++) whole = wrap(whole);
  return whole;
}

function leafOrMore(random: Random): unknown {
  const leaf = pick(random, leaves);
  const draw = random();
  if (draw < 0.85) return leaf;
  if (draw < 0.95) return nested(leaf, 1 + Math.floor(random() * 3), random);
  return nested(leaf, 40 + Math.floor(random() * 60), random);
}

/** JSON of any shape, of the names and texts that mean something to the API. */
export function anything(random: Random, levels = 7): unknown {
  const draw = random();
  if (levels === 0 || draw < 0.3) return pick(random, leaves);
  const length = Math.floor(random() * 5);
  if (draw < 0.6) return Array.from({ length }, () => anything(random, levels - 1));
  return Object.fromEntries(
    Array.from({ length }, () => [pick(random, names), anything(random, levels - 1)]),
  );
}

type Fields = readonly (readonly [string, unknown])[];

function damageFields(fields: Fields, random: Random): unknown {
  const at = Math.floor(random() * fields.length);
  const [name, value] = fields[at] ?? ['', undefined];
  const others = fields.filter((_, position) => position !== at);
  const damaged = pick<() => Fields>(random, [
    () => others,
    () => [...others, [pick(random, names), value]],
    () => [...fields, [pick(random, names), leafOrMore(random)]],
    () => [...fields, [pick(random, names), value]],
    () => [...others, [name, leafOrMore(random)]],
  ]);
  return Object.fromEntries(damaged());
}

function damageList(list: readonly unknown[], random: Random): unknown {
  const at = Math.floor(random() * list.length);
  const item = list[at];
  return pick<() => unknown[]>(random, [
    () => list.toSpliced(at, 1),
    () => list.toSpliced(at, 0, item),
    () => list.toSpliced(at, 0, leafOrMore(random)),
    () => list.toSpliced(at, 1, ...Array(30).fill(item)),
    () => list.toReversed(),
    () => [list],
  ])();
}

function damageText(text: string, random: Random): unknown {
  const at = Math.floor(random() * (text.length + 1));
  return pick<() => unknown>(random, [
    () => text.slice(0, at),
    () => text.slice(0, at) + pick(random, ['\0', '\ud800', 'x', '9', ' ', '-', '\n', '🚀']) + text.slice(at),
    () => text.slice(0, at) + String((at * 7) % 10) + text.slice(at + 1),
    () => text.toLowerCase(),
    () => Number(text),
    () => [text],
  ])();
}

function damage(value: unknown, random: Random): unknown {
  if (random() < 0.4) return leafOrMore(random);
  if (Array.isArray(value)) return damageList(value, random);
  if (typeof value === 'object' && value !== null) return damageFields(Object.entries(value), random);
  return typeof value === 'string' ? damageText(value, random) : leafOrMore(random);
}

/** The value with one thing wrong with it, anywhere in it. The value itself stays as it is. */
export function mutated(value: unknown, seed: number): unknown {
  return damageWithin(value, randomFrom(seed), 0);
}

function damageWithin(value: unknown, random: Random, depth: number): unknown {
  const isLeaf = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
  // The whole is damaged now and then, what is within it most of the time.
  if (isLeaf || random() < (depth === 0 ? 0.04 : 0.25)) return damage(value, random);
  const at = Math.floor(random() * Object.keys(value).length);
  if (Array.isArray(value)) return value.with(at, damageWithin(value[at], random, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, field], position) => [
      name,
      position === at ? damageWithin(field, random, depth + 1) : field,
    ]),
  );
}

/** The text with one thing wrong with it, or another text instead. */
export function mutatedText(text: string, seed: number): string {
  const random = randomFrom(seed);
  const damaged = random() < 0.7 ? damageText(text, random) : pick(random, leaves);
  return typeof damaged === 'object' ? text : String(damaged);
}

/** The bytes with one thing wrong with them. */
export function damagedBytes(bytes: Buffer, seed: number): Buffer {
  const random = randomFrom(seed);
  const place = () => Math.floor(random() * (bytes.length + 1));
  const [from = 0, to = 0] = [place(), place()].sort((a, b) => a - b);
  const flip = (byte: number) => byte ^ (1 << Math.floor(random() * 8));
  return pick<() => Buffer>(random, [
    () => Buffer.from(bytes.map((byte, at) => (at === from ? flip(byte) : byte))),
    () => bytes.subarray(0, to),
    () => bytes.subarray(from),
    () => Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]),
    () => Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]),
    () => Buffer.concat([bytes.subarray(0, from), Buffer.from(pick(random, scraps)), bytes.subarray(from)]),
    () => Buffer.from(bytes.map((byte, at) => (at >= from && at < from + 3 ? 0xff : byte))),
  ])();
}

const scraps: readonly [string, ...string[]] = [
  '"',
  ...['{', '}', '[', ']', ',', ':', '\\', '\\u', '\0', '\n', '1e999', '-', 'NaN', 'null', '\ufeff', '🚀'],
  ...['=', '==', '/', '+', 'zz', '{"code":200}', ',"code":205', ',"data":[]', '\\ud800', '<html>'],
];
