import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asToken } from '../../../src/catalog/index.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import {
  agrees,
  doubtOf,
  isOpinionDue,
  readDoubtedList,
  receiveTokenList,
} from '../../../src/store/ledger/doubted-lists.ts';
import { addExtraTokens, readListedTokens, storeTokenList } from '../../../src/store/ledger/tokens.ts';
import { hour, ManualClock, minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';

const numbered = (from: number, to: number, prefix = 'T') =>
  Array.from({ length: to - from }, (_, index) => asToken(`${prefix}${from + index}`));

describe('a list of tokens', () => {
  it('is doubted where it drops more than a tenth, or most of it is unknown', () => {
    const sizes = fc.record({ kept: fc.nat(120), added: fc.nat(300) });
    fc.assert(
      fc.property(sizes, ({ kept, added }) => {
        const listed = numbered(0, 100);
        const list = [...numbered(0, Math.min(kept, 100)), ...numbered(0, added, 'NEW')];
        const isDoubted = doubtOf(list, listed, new Set(listed)) !== undefined;
        const dropped = 100 - Math.min(kept, 100);
        expect(isDoubted).toBe(dropped > 10 || added > (Math.min(kept, 100) + added) / 2);
      }),
    );
  });

  it('agrees with another that differs in a tenth at most', () => {
    expect(agrees(numbered(0, 100), numbered(5, 105))).toBe(true);
    expect(agrees(numbered(0, 100), numbered(6, 106))).toBe(false);
    expect(agrees([asToken('BTC')], [asToken('BTC')])).toBe(true);
    expect(agrees([asToken('BTC')], [])).toBe(false);
  });
});

describeOnServers('a doubted list', (kind) => {
  let database: Database;
  let clock: ManualClock;
  const all = numbered(0, 200);
  const listOf = (tokens: readonly (typeof all)[number][]) => tokens.map((token) => ({ token, name: token }));
  const receive = (tokens: readonly (typeof all)[number][]) =>
    receiveTokenList(database, listOf(tokens), clock.now());

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    clock = new ManualClock('2025-06-20T00:00:00Z');
    await database.pool.query('truncate cryptoracle.tokens, cryptoracle.doubted_lists');
    await storeTokenList(database, listOf(all), clock.now());
  });

  it('takes no token away until the API has said so for an hour, and is asked for every ten minutes', async () => {
    const short = all.slice(0, 3);
    for (let times = 1; times <= 6; times++) {
      expect(await receive(short)).toMatchObject({ kind: 'doubted', doubted: { times } });
      expect(await readListedTokens(database)).toEqual(all);
      expect(await isOpinionDue(database, clock.now())).toBe(false);
      clock.advance(10 * minute);
      expect(await isOpinionDue(database, clock.now())).toBe(true);
    }
    expect(await readDoubtedList(database)).toMatchObject({
      tokens: short,
      vanished: all.slice(3),
      unknown: 0,
      since: clock.now() - hour,
    });
    expect(await receive(short)).toMatchObject({ kind: 'taken', change: { vanished: expect.anything() } });
    expect(await readListedTokens(database)).toEqual(short);
    expect(await readDoubtedList(database)).toBeUndefined();
  });

  it("is not doubted for the tokens that were added to the API's, however many", async () => {
    await addExtraTokens(database, numbered(0, 40, 'EXTRA'), clock.now());
    expect(await receive(all)).toMatchObject({ kind: 'taken', change: { vanished: [] } });
    expect(await readListedTokens(database)).toHaveLength(240);
  });

  it('is forgotten when the API names them all again', async () => {
    await receive(numbered(0, 9994, 'GARBAGE'));
    expect(await readDoubtedList(database)).toMatchObject({ unknown: 9994 });
    expect(await readListedTokens(database)).toEqual(all);
    clock.advance(10 * minute);
    const grown = [...all, ...numbered(200, 203)];
    expect(await receive(grown)).toMatchObject({ kind: 'taken', change: { vanished: [] } });
    expect(await readListedTokens(database)).toEqual(grown);
    expect(await readDoubtedList(database)).toBeUndefined();
  });

  it('begins anew where the API says something else that is to be doubted', async () => {
    await receive(all.slice(0, 3));
    clock.advance(50 * minute);
    await receive(all.slice(100, 150));
    clock.advance(20 * minute);
    expect(await receive(all.slice(100, 150))).toMatchObject({ kind: 'doubted', doubted: { times: 2 } });
  });

  it('of a tenth less is taken over at once', async () => {
    expect(await receive(all.slice(20))).toMatchObject({ kind: 'taken' });
    expect(await readListedTokens(database)).toEqual(all.slice(20));
  });
});
