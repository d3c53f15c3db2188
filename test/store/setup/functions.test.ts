import { beforeAll, expect, it } from 'vitest';
import type { Database } from '../../../src/store/connection/database.ts';
import { createTestDatabase, describeOnServers, value } from '../../support/database.ts';

describeOnServers('label_json', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });

  it.each([
    ['{"primary": "DeFi", "others": []}', 'DeFi'],
    ['{"primary": "De', null],
    ['{"primary": "\\u0000"}', null],
    ['['.repeat(100_000), null],
    ['DeFi', null],
    ['"DeFi"', null],
    ['12', null],
    ['', null],
    [null, null],
  ])('of %.40s has %s as its primary label', async (label, primary) => {
    const found = value(database, "select cryptoracle.label_json($1) ->> 'primary'", [label]);
    expect(await found).toBe(primary);
  });
});
