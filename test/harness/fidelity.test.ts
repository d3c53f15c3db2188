import { describe, expect, inject, it, vi } from 'vitest';
import { disguises } from '../../harness/disguises.ts';
import { measureFidelity } from '../../harness/fidelity.ts';
import { createEmptyDatabase, dropDatabase } from '../support/database.ts';

/** A small part of `npm run bench:fidelity`: one way in which v1 may be dressed, which cuts by rows, and today's version. */
const some = ['3 timestamp in ms', 'v2.1, midnight days, cut short'];

// Six processes; a busy machine takes ten times as long.
vi.setConfig({ testTimeout: 240_000 });

describe('the program, given an address and credentials alone', () => {
  it.concurrent.each(some)('finds out how the API speaks and gets every value right: %s', async (name) => {
    const disguise = disguises.find((each) => each.name === name);
    if (disguise === undefined) throw new RangeError(`no such disguise: ${name}`);
    const databaseUrl = await createEmptyDatabase('plain PostgreSQL');
    try {
      const options = { cli: inject('program'), databaseUrl, days: 2, calibrates: true };
      const { cells, calls, ...found } = await measureFidelity(disguise, options);
      expect(found).toEqual({ name, equal: cells, wrong: 0, missing: 0, quarantined: 0, complaint: '' });
      expect(cells).toBeGreaterThan(5_000);
      expect(calls).toBeLessThanOrEqual(40);
    } finally {
      await dropDatabase('plain PostgreSQL', databaseUrl);
    }
  });
});
