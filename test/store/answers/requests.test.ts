import { beforeAll, expect, it } from 'vitest';
import type { Lane } from '../../../src/planning/lanes.ts';
import { countAuditCalls, countLately, logRequest } from '../../../src/store/answers/requests.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';

const start = Date.UTC(2025, 5, 1);

describeOnServers('the log of calls', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    const calls: readonly (readonly [
      at: number,
      lane: Lane,
      outcome: 'answered' | 'transient',
      records: number,
    ])[] = [
      [-1, 'live', 'answered', 1000],
      [0, 'live', 'answered', 20],
      [5, 'audit', 'answered', 8],
      [6, 'audit', 'transient', 0],
    ];
    for (const [at, lane, outcome, records] of calls) {
      const entry = { what: 'values', lane, outcome, code: 200, milliseconds: 0 } as const;
      await logRequest(database, { ...entry, records, rowsWritten: records / 2, at: start + at * minute });
    }
  });

  it('tells what the calls since an instant brought', async () => {
    expect(await countLately(database, start)).toEqual({
      calls: 3,
      answered: 2,
      values: 28,
      rowsWritten: 14,
    });
    expect(await countLately(database, start + 10 * minute)).toEqual({
      ...{ calls: 0, answered: 0, values: 0, rowsWritten: 0 },
    });
  });

  it('tells how many of them were for the audit', async () => {
    expect(await countAuditCalls(database, start)).toBe(2);
    expect(await countAuditCalls(database, start + 6 * minute)).toBe(1);
  });
});
