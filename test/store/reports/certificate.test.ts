import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { asToken, type MetricCode } from '../../../src/catalog/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import {
  type CertifiedPart,
  certifyValues,
  differencesOf,
  hashOf,
} from '../../../src/store/reports/certificate.ts';
import { day, hour, minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';
import { answer, row } from '../answers/answering.ts';

const start = Date.UTC(2025, 4, 31, 16);
const range = { start: start - 2 * day, end: start + 3 * day };
const metrics: MetricCode[] = ['CO-A-01-05', 'CO-A-02-03'];
const signal = new AbortController().signal;

interface Value {
  readonly token: string;
  readonly time: number;
  readonly mentions: number | null;
  readonly sentiment: number | null;
}

const tokens = ['BTC', 'ETH', 'T'];

/** Hours around the end of a month, with holes, zeros of both signs, and numbers that text would round or write variously. */
const values: readonly Value[] = tokens.flatMap((token, place) =>
  Array.from({ length: 40 }, (_, number) => ({
    token,
    time: start - 20 * hour + number * hour,
    mentions: number % 7 === 3 ? null : number % 11 === 0 ? -0 : 100 * place + number,
    sentiment: number % 5 === 0 ? null : (number - 20) / 30 / (place + 1),
  })),
);

/** The canonical form as docs/certificates.md has it, written down once more. */
function expectedHash(known: readonly Value[]): string {
  const parts = new Map<string, { rows: Buffer[]; values: number; time: number }[]>();
  for (const { token, time, mentions, sentiment } of known) {
    const present = [mentions, sentiment].filter((value) => value !== null).length;
    if (present === 0) continue;
    const bytes = Buffer.alloc(24);
    bytes.writeBigInt64BE(BigInt(time));
    for (const [place, value] of [mentions, sentiment].entries()) {
      if (value === null) bytes.write('7ff8000000000000', 8 + 8 * place, 'hex');
      else bytes.writeDoubleBE(value === 0 ? 0 : value, 8 + 8 * place);
    }
    const key = `1h ${token} ${new Date(time).toISOString().slice(0, 7)}`;
    parts.set(key, [...(parts.get(key) ?? []), { rows: [bytes], values: present, time }]);
  }
  const lines = [...parts].map(([key, rows]) => {
    const inOrder = rows.toSorted((a, b) => a.time - b.time);
    const hash = createHash('sha256').update(Buffer.concat(inOrder.flatMap((each) => each.rows)));
    return `${key} ${inOrder.reduce((sum, each) => sum + each.values, 0)} ${hash.digest('hex')}\n`;
  });
  const text = `cryptoracle certificate 1\nmetrics CO-A-01-05,CO-A-02-03\n${lines.sort().join('')}`;
  return createHash('sha256').update(text).digest('hex');
}

/** Stores values in the given order, an answer a token. */
async function store(database: Database, list: readonly Value[], receivedAt: number): Promise<void> {
  for (const token of new Set(list.map((value) => value.token))) {
    const own = list.filter((value) => value.token === token);
    const times = own.map(({ time }) => time);
    const cells = { from: Math.min(...times), to: Math.max(...times) + hour };
    await storeAnswer(
      database,
      answer({
        ...{ tokens: [token], metrics, ...cells, receivedAt, log: undefined },
        rows: own.map(({ time, mentions, sentiment }) =>
          row(token, time, { 'CO-A-01-05': mentions, 'CO-A-02-03': sentiment }),
        ),
      }),
    );
  }
}

describeOnServers('a certificate', (kind) => {
  let database: Database;
  const scope = { range, granularities: ['1h'] as const, tokens: tokens.map(asToken), metrics };
  const certify = (at: number, changes: Partial<typeof scope> = {}, from = database) =>
    certifyValues(from, { ...scope, ...changes }, at, signal);
  const loaded = start + 10 * day;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    await store(database, values, loaded);
  });

  it('has the hash that the values have by themselves', async () => {
    const { hash, values: number } = await certify(loaded);
    expect(hash).toBe(expectedHash(values));
    expect(number).toBe(
      values.reduce(
        (sum, { mentions, sentiment }) => sum + Number(mentions !== null) + Number(sentiment !== null),
        0,
      ),
    );
    // Neither the order of what is named, nor a token without values, counts.
    const other = { tokens: ['T', 'SOL', 'ETH', 'BTC'].map(asToken), metrics: metrics.toReversed() };
    expect((await certify(loaded, other)).hash).toBe(hash);
    expect((await certify(loaded, { tokens: [asToken('BTC')] })).hash).toBe(
      expectedHash(values.filter(({ token }) => token === 'BTC')),
    );
  });

  it('is the same where the values came in another order, by another way, in another time zone', async () => {
    const other = await createTestDatabase(kind);
    await other.pool.query(
      `alter database "${new URL(other.url).pathname.slice(1)}" set timezone = 'America/New_York'`,
    );
    // Wrong at first, and by halves.
    await store(
      other,
      values.toReversed().map((value) => ({ ...value, sentiment: null })),
      loaded - day,
    );
    await store(
      other,
      values
        .toReversed()
        .map((value) => ({ ...value, mentions: (value.mentions ?? 1) + 1 }))
        .slice(0, 9),
      loaded - hour,
    );
    await store(other, values, loaded);
    const again = values.filter(({ mentions }) => mentions !== null);
    expect((await certify(loaded + day, {}, other)).parts.length).toBe(6);
    // A value that was there and is no longer sent stays: take those out.
    await other.pool.query(
      'update cryptoracle.metrics_1h set mention_count = null where (token, time) not in (select * from unnest($1::text[], $2::timestamptz[]))',
      [again.map(({ token }) => token), again.map(({ time }) => new Date(time))],
    );
    expect((await certify(loaded + day, {}, other)).hash).toBe(expectedHash(values));
  });

  it('is about an instant: nothing that comes later changes it', async () => {
    const { hash } = await certify(loaded);
    expect((await certify(loaded - minute)).parts).toEqual([]);
    const [first] = values;
    if (first === undefined) throw new Error('no values');
    const changed = { ...first, mentions: 4711, sentiment: 0.5 };
    await store(database, [changed], loaded + day);
    expect((await certify(loaded)).hash).toBe(hash);
    const later = await certify(loaded + 2 * day);
    expect(later.hash).toBe(expectedHash([changed, ...values.slice(1)]));
    expect(differencesOf((await certify(loaded)).parts, later.parts)).toEqual(
      [
        { granularity: '1h', token: 'BTC', month: '2025-05', what: 'changed', valuesThen: 7, valuesNow: 8 },
      ].map((each) => ({ ...each, valuesThen: expect.any(Number), valuesNow: expect.any(Number) })),
    );
  });

  it.each([
    ['a value that is another by its last bit', 'mention_count = mention_count * (1 + 2.3e-16)'],
    ['a value that is gone', 'mention_count = null'],
    ['a window that is another', "time = time + interval '15 minutes'"],
    ['a token that is another', "token = 'SOL'"],
  ])('notices %s', async (_, change) => {
    const all = { tokens: [...tokens, 'SOL'].map(asToken) };
    const at = loaded + 5 * day;
    const before = await certify(at, all);
    const condition = "where token = 'ETH' and time = $1";
    const window = [new Date(start + 5 * hour)];
    await database.pool.query('create table kept as select * from cryptoracle.metrics_1h');
    const { rowCount } = await database.pool.query(
      `update cryptoracle.metrics_1h set ${change} ${condition}`,
      window,
    );
    expect(rowCount).toBe(1);
    const after = await certify(at, all);
    expect(differencesOf(before.parts, after.parts).map(({ token }) => token)).toContain('ETH');
    expect(after.hash).not.toBe(before.hash);
    await database.pool.query('delete from cryptoracle.metrics_1h');
    await database.pool.query('insert into cryptoracle.metrics_1h select * from kept');
    await database.pool.query('drop table kept');
    expect((await certify(at, all)).hash).toBe(before.hash);
  });
});

describe('the difference of two certificates', () => {
  const parts = fc.uniqueArray(
    fc.record({
      granularity: fc.constantFrom('1h' as const, '4h' as const),
      token: fc.constantFrom('BTC', 'ETH').map(asToken),
      month: fc.constantFrom('2025-01', '2025-02'),
      values: fc.integer({ min: 1, max: 3 }),
      hash: fc.constantFrom('a', 'b'),
    }),
    { selector: ({ granularity, token, month }) => `${granularity} ${token} ${month}` },
  );

  it('is nothing exactly where the hashes are the same', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same = hashOf(metrics, a) === hashOf(metrics, b);
        const key = (part: CertifiedPart) =>
          JSON.stringify([part.granularity, part.token, part.month, part.hash]);
        const isEqual = a.map(key).sort().join() === b.map(key).sort().join();
        expect(differencesOf(a, b).length === 0).toBe(isEqual);
        if (!isEqual) expect(same).toBe(false);
        expect(differencesOf(a, a)).toEqual([]);
      }),
    );
  });
});
