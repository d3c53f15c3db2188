import { beforeAll, beforeEach, expect, it } from 'vitest';
import { asToken, bundledCatalogue, metricCodes, tagCodes } from '../../../src/catalog/index.ts';
import { UserError } from '../../../src/errors.ts';
import { logRequest } from '../../../src/store/answers/requests.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { readGaps } from '../../../src/store/ledger/coverage.ts';
import { readRefused, storeRefused } from '../../../src/store/ledger/entitlements.ts';
import { readScope, requireKnownTokens } from '../../../src/store/ledger/scope.ts';
import {
  addExtraTokens,
  dropExtraTokens,
  readKnownTokens,
  readListedTokens,
  storeTokenList,
  tokensRefreshedAt,
} from '../../../src/store/ledger/tokens.ts';
import { day, hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';
import { answer, mentions, row, start, storedRows } from '../answers/answering.ts';

const list = (...tokens: string[]) =>
  tokens.map((token) => ({ token: asToken(token), name: `${token} coin` }));
const everything = { tokens: 'all', metrics: metricCodes, tags: tagCodes } as const;

describeOnServers('the token list', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    await database.pool.query('truncate cryptoracle.tokens, cryptoracle.entitlements');
    await storeTokenList(database, list('AAA', 'BBB', 'CCC'), start);
  });
  const table = () =>
    rows(
      database,
      `select token, name, position, listed, first_listed_at, last_listed_at
       from cryptoracle.tokens order by token`,
    );
  const entry = (token: string, position: number, changes: object = {}) => ({
    token,
    name: `${token} coin`,
    position,
    listed: true,
    first_listed_at: new Date(start),
    last_listed_at: new Date(start),
    ...changes,
  });

  it('is kept in its own order, with names and dates', async () => {
    expect(await table()).toEqual([entry('AAA', 1), entry('BBB', 2), entry('CCC', 3)]);
    await storeTokenList(database, list('CCC', 'AAA', 'BBB'), start + day);
    expect(await readListedTokens(database)).toEqual(['CCC', 'AAA', 'BBB']);
  });

  it('that is the same again changes nothing but the date', async () => {
    expect(await storeTokenList(database, list('AAA', 'BBB', 'CCC'), start + day)).toEqual({
      joined: [],
      vanished: [],
    });
    const seen = { last_listed_at: new Date(start + day) };
    expect(await table()).toEqual([entry('AAA', 1, seen), entry('BBB', 2, seen), entry('CCC', 3, seen)]);
  });

  it('tells which tokens joined', async () => {
    const change = await storeTokenList(database, list('AAA', 'NEW', 'BBB', 'CCC', '币安人生'), start + day);
    expect(change).toEqual({ joined: ['NEW', '币安人生'], vanished: [] });
    expect(await readListedTokens(database)).toEqual(['AAA', 'NEW', 'BBB', 'CCC', '币安人生']);
    const later = { first_listed_at: new Date(start + day), last_listed_at: new Date(start + day) };
    expect(await table()).toContainEqual(entry('NEW', 2, later));
  });

  it('tells which tokens vanished, and keeps them and their data', async () => {
    await storeAnswer(database, answer({ tokens: ['BBB'], rows: [row('BBB', start, { [mentions]: 7 })] }));
    const change = await storeTokenList(database, list('AAA', 'CCC'), start + day);
    expect(change).toEqual({ joined: [], vanished: ['BBB'] });
    expect(await table()).toContainEqual(entry('BBB', 2, { listed: false }));
    expect(await readListedTokens(database)).toEqual(['AAA', 'CCC']);
    expect([...(await readKnownTokens(database))].sort()).toEqual(['AAA', 'BBB', 'CCC']);
    expect(await storedRows(database)).toMatchObject([{ token: 'BBB', mention_count: 7 }]);
    const cellsOfBbb = {
      granularity: '1h',
      tokens: [asToken('BBB')],
      metrics: metricCodes,
      interval: { start, end: start + 2 * hour },
    } as const;
    expect(await readGaps(database, cellsOfBbb)).toEqual([]);
    // It vanishes once: the next list without it is no news.
    expect(await storeTokenList(database, list('AAA', 'CCC'), start + 2 * day)).toEqual({
      joined: [],
      vanished: [],
    });
  });

  it('takes a token back that returns, and remembers when it first came', async () => {
    await storeTokenList(database, list('AAA', 'CCC'), start + day);
    const change = await storeTokenList(database, list('AAA', 'BBB', 'CCC'), start + 2 * day);
    expect(change).toEqual({ joined: ['BBB'], vanished: [] });
    expect(await table()).toContainEqual(entry('BBB', 2, { last_listed_at: new Date(start + 2 * day) }));
  });

  it('takes over a new name of a token', async () => {
    await storeTokenList(database, [{ token: asToken('AAA'), name: "Ay's «coin»" }], start + day);
    expect(await table()).toContainEqual(
      entry('AAA', 1, { name: "Ay's «coin»", last_listed_at: new Date(start + day) }),
    );
  });

  it('makes the scope: the listed tokens or those chosen by name, and the codes that are not refused', async () => {
    await storeTokenList(database, list('CCC', 'AAA'), start + day);
    await storeRefused(database, mentions, start);
    await storeRefused(database, 'CO-B-01-04', start);
    const scope = await readScope(database, everything, start + hour);
    expect(scope.tokens).toEqual(['CCC', 'AAA']);
    expect(scope.metrics).toEqual(
      bundledCatalogue.served(metricCodes, 'v1').filter((code) => code !== mentions),
    );
    expect(scope.unserved).toEqual(['CO-S-01-01', 'CO-S-01-02', 'CO-S-01-03', 'CO-S-01-05']);
    expect(scope.tags).toEqual(tagCodes.filter((code) => code !== 'CO-B-01-04'));
    const chosen = { ...everything, tokens: ['AAA', 'BBB'].map(asToken), metrics: [mentions] as const };
    expect(await readScope(database, chosen, start + hour)).toMatchObject({
      tokens: ['AAA', 'BBB'],
      metrics: [],
    });
  });

  it('refusals are remembered from the first to the last time', async () => {
    await storeRefused(database, mentions, start);
    await storeRefused(database, mentions, start + day);
    expect(await readRefused(database, start + day + hour)).toEqual(new Set([mentions]));
    // A day later it is time to look again.
    expect(await readRefused(database, start + 2 * day)).toEqual(new Set());
    expect(await rows(database, 'select * from cryptoracle.entitlements')).toEqual([
      { metric: mentions, refused_since: new Date(start), last_refused_at: new Date(start + day) },
    ]);
  });

  it('accepts every token ever listed as known, and all', async () => {
    await storeTokenList(database, list('AAA'), start + day);
    await requireKnownTokens(database, ['AAA', 'BBB'].map(asToken), 'TOKENS');
    await requireKnownTokens(database, 'all', 'TOKENS');
  });

  it.each([
    ['aaa', 'TOKENS', "TOKENS: unknown token 'aaa' (did you mean AAA?)"],
    ['Bbb', '--token', "--token: unknown token 'Bbb' (did you mean BBB?)"],
    [
      'XYZ',
      '--token',
      "--token: unknown token 'XYZ' (the table cryptoracle.tokens lists them; EXTRA_TOKENS adds some)",
    ],
  ])('refuses the unknown token %s with a message that helps', async (token, where, message) => {
    const refusal = requireKnownTokens(database, ['AAA', token].map(asToken), where);
    await expect(refusal).rejects.toBeInstanceOf(UserError);
    await expect(refusal).rejects.toThrow(message);
  });

  it('never takes away tokens that were added to it, until nobody names them any more', async () => {
    const named = (...tokens: string[]) => tokens.map(asToken);
    await addExtraTokens(database, named('AIN', 'AAA'), start);
    expect(await readListedTokens(database)).toEqual(['AAA', 'BBB', 'CCC', 'AIN']);
    expect(await storeTokenList(database, list('AAA', 'CCC'), start + day)).toEqual({
      joined: [],
      vanished: ['BBB'],
    });
    expect(await readListedTokens(database)).toEqual(['AAA', 'CCC', 'AIN']);
    await requireKnownTokens(database, named('AIN'), 'TOKENS');
    // AAA was the API's already, and stays so.
    await dropExtraTokens(database, []);
    expect(await readListedTokens(database)).toEqual(['AAA', 'CCC']);
    await addExtraTokens(database, named('AIN'), start + 2 * day);
    await dropExtraTokens(database, named('AIN'));
    expect(await readListedTokens(database)).toEqual(['AAA', 'CCC', 'AIN']);
  });

  it('keeps a token that was added once the API lists it, too', async () => {
    await addExtraTokens(database, [asToken('AIN')], start);
    await storeTokenList(database, list('AAA', 'BBB', 'CCC', 'AIN'), start + day);
    await dropExtraTokens(database, []);
    expect(await readListedTokens(database)).toEqual(['AAA', 'BBB', 'CCC', 'AIN']);
    expect((await storeTokenList(database, list('AAA', 'BBB', 'CCC'), start + 2 * day)).vanished).toEqual([
      'AIN',
    ]);
  });

  it('knows when it was last asked for', async () => {
    await database.pool.query('truncate cryptoracle.requests');
    expect(await tokensRefreshedAt(database)).toBeUndefined();
    const call = { lane: 'live', outcome: 'answered', code: 200, milliseconds: 100 } as const;
    await logRequest(database, { ...call, what: 'tokens', at: start });
    await logRequest(database, { ...call, what: 'values', at: start + hour });
    expect(await tokensRefreshedAt(database)).toBe(start - 100);
  });
});
