import { finished } from 'node:stream/promises';
import fc from 'fast-check';
import { from } from 'pg-copy-streams';
import { beforeAll, expect, it } from 'vitest';
import type { Database } from '../../../src/store/connection/database.ts';
import { CopyRows, float8Binary, textBinary, timestamptzBinary } from '../../../src/store/schema/binary.ts';
import { createTestDatabase, describeOnServers, value } from '../../support/database.ts';

/** What PostgreSQL reads out of a binary form must be what it reads out of the text of the same. */

const number = fc.double({ noNaN: true, noDefaultInfinity: true });
/** Microseconds are exact in a double, and years have four digits. */
const instant = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2900, 0, 1) });
const text = fc.string({ unit: 'grapheme' }).map((each) => each.replaceAll('\0', ''));

describeOnServers('arrays and rows in binary form', (kind) => {
  let database: Database;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });

  const compare = (type: string, binary: Buffer, plain: readonly unknown[]) =>
    value<boolean>(database, `select $1::${type}[] is not distinct from $2::${type}[]`, [binary, plain]);

  it('hold the same numbers as texts do, NULL and zeros included', async () => {
    expect(await compare('float8', float8Binary([0, -0, null, 1 / 3]), [0, 0, null, 1 / 3])).toBe(true);
    expect(await value(database, 'select ($1::float8[])[1]::text', [float8Binary([-0])])).toBe('0');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(number)), async (numbers) => {
        expect(await compare('float8', float8Binary(numbers), numbers)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('hold the same instants, before 2000 as after', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(instant)), async (instants) => {
        const plain = instants.map((each) => (each === null ? null : new Date(each).toISOString()));
        expect(await compare('timestamptz', timestamptzBinary(instants), plain)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('hold the same texts, of any script', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text)), async (texts) => {
        expect(await compare('text', textBinary(texts), texts)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('come to a table as they were written', async () => {
    const row = fc.record({ name: text, at: instant, amount: fc.option(number), is: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 300 }), async (written) => {
        const rows = new CopyRows();
        for (const { name, at, amount, is } of written) {
          rows.row(4);
          rows.text(name);
          rows.timestamptz(at);
          rows.float8(amount);
          rows.boolean(is);
        }
        const client = await database.pool.connect();
        try {
          await client.query(
            'create temporary table copied (name text, at timestamptz, amount float8, yes boolean)',
          );
          await finished(client.query(from('copy copied from stdin (format binary)')).end(rows.end()));
          const { rows: read } = await client.query('select * from copied');
          const zero = (amount: number | null) => (amount === null ? null : amount + 0);
          expect(read).toEqual(
            written.map(({ name, at, amount, is }) => ({
              name,
              at: new Date(at),
              amount: zero(amount),
              yes: is,
            })),
          );
        } finally {
          await client.query('drop table copied');
          client.release();
        }
      }),
      { numRuns: 20 },
    );
  });
});
