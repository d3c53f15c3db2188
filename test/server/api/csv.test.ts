import { expect, it } from 'vitest';
import { stringify } from '../../../src/server/api/routes/csv.ts';

it('writes CSV in which texts are texts and nothing is nothing', () => {
  expect(
    stringify(
      ['token', 'a "b"'],
      [
        ['T', 1.5],
        ['B', true],
        ['a"b,\n', null],
        ['', 0],
      ],
    ),
  ).toBe('"token","a ""b"""\r\n"T",1.5\r\n"B",TRUE\r\n"a""b,\n",\r\n"",0\r\n');
});
