import { encrypt } from '../../src/api/dialects/cipher.ts';
import { formatBeijing } from '../../src/beijing.ts';
import { metricCodes } from '../../src/catalog/index.ts';
import { lengthOf, newYear } from '../planning/arbitraries.ts';
import { credentials } from './server.ts';

/** Largest body that is read, in bytes. */
export const largest = 32 * 1024 * 1024;

/** As many of the units as fit between the two ends. */
function filled(start: string, unit: string, end: string): string {
  const room = largest - Buffer.byteLength(start + end);
  return start + unit.repeat(room / Buffer.byteLength(unit)) + end;
}

const success = '{"code":200,"msg":"success","data":';
const items = '[{"token":"BTC","endPoints":[{"startTime":"2025-01-01 00:00:00","data":[';

/** Sealed text of as many units as make a body just below the limit. */
function sealed(start: string, unit: string, end: string): string {
  const text = start + unit.repeat((largest * 0.74) / unit.length) + end;
  return JSON.stringify({ code: 200, data: encrypt(text, credentials, 'base64') });
}

/** The largest RECORD_LIMIT. */
const mostRows = 20_000;

/** A full answer at the largest RECORD_LIMIT, if rows are what is counted: 20,000 windows of all metrics. */
function soundRows(): string {
  const endPoints = Array.from({ length: mostRows }, (_, number) => {
    const start = newYear + number * lengthOf['1h'];
    return {
      startTime: formatBeijing(start),
      endTime: formatBeijing(start + lengthOf['1h']),
      data: metricCodes.map((endpoint) => ({ endpoint, value: String(number + 0.123456) })),
    };
  });
  const text = JSON.stringify([{ token: 'BTC', timeType: '1h', endPoints, tags: [] }]);
  return JSON.stringify({ code: 200, data: encrypt(text, credentials, 'base64') });
}

const parts = 'the answer has more than 1200000 parts';
const rejects = 'the answer holds more than 100000 things that cannot be stored';
const half = 499_900;

/** Bodies of 32 MiB at most that take the most memory to read, with what becomes of them. */
export const oversized: Readonly<Record<string, readonly [outcome: string, body: () => string]>> = {
  'objects without end': [parts, () => filled(`${success}[`, '{},', '0]}')],
  'objects without end, sealed': [parts, () => sealed('[', '{},', '0]')],
  'texts of two bytes a character': [parts, () => filled(`${success}[`, '"比",', '0]}')],
  'lists within lists': [parts, () => filled(success, '[', '')],
  'as many lists within lists as may be': [
    'the answer is nested too deep',
    () => `${success}${'['.repeat(999_000)}${']'.repeat(999_000)}}`,
  ],
  'as many objects as may be': [rejects, () => `${success}${items}${'{},'.repeat(half)}0]}]}]}`],
  'as many names as may be': [
    rejects,
    () =>
      `${success}${items}${Array.from({ length: half }, (_, number) => `{"${number}":0},`).join('')}0]}]}]}`,
  ],
  'one long text': [
    '1 values, 1 rejects',
    () => filled(`${success}[{"token":"BTC","tags":[{"tag":"`, 'x', '"}]}]}'),
  ],
  'one long text, sealed, that does not end': [
    'the answer cannot be decrypted, or holds no JSON',
    () => sealed('"', 'x', ''),
  ],
  'words of a refusal': ['code 403', () => filled('{"code":403,"msg":"', 'key-from-the-vendor ', '"}')],
  'all rows of the largest record limit': [`${mostRows * metricCodes.length} values, 0 rejects`, soundRows],
};
