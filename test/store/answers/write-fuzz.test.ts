import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, decodeAnswer } from '../../../src/api/decode.ts';
import { metricPosition } from '../../../src/catalog/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { answered } from '../../api/answers.ts';
import { asFailure } from '../../api/invariants.ts';
import { createTestDatabase, value } from '../../support/database.ts';
import { fuzzRuns } from '../../support/fuzz.ts';
import { mutated } from '../../support/mutations.ts';
import { answer, storedRows, valuesOf } from './answering.ts';

describe('whatever is left of a damaged answer', () => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase('plain PostgreSQL');
  });

  it('can be stored, its values to the last digit', async () => {
    const seeds = fc.array(fc.integer(), { minLength: 3, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(answered, seeds, async ({ asked, entries }, damages) => {
        const { granularity, tokens, metrics, tags, interval } = asked;
        let decoded: Answer;
        try {
          decoded = decodeAnswer(damages.reduce<unknown>(mutated, entries), asked);
        } catch (error) {
          asFailure(error);
          return;
        }
        const before = await value<number>(database, timesSeen);
        await storeAnswer(
          database,
          answer({
            ...{ granularity, tokens, metrics, tags },
            ...{ from: interval.start, to: interval.end },
            ...{ rows: decoded.rows, tagValues: decoded.tags, rejects: decoded.rejects },
          }),
        );
        const stored = new Map(
          (await storedRows(database, granularity)).map((row) => [`${Number(row.time)} ${row.token}`, row]),
        );
        for (const { token, time, values } of decoded.rows) {
          const found = valuesOf(stored.get(`${time} ${token}`));
          for (const metric of metrics) {
            const sent = values[metricPosition(metric)];
            // PostgreSQL takes -0 for 0.
            if (typeof sent === 'number') expect((found[metric] ?? Number.NaN) + 0).toBe(sent + 0);
          }
        }
        // The same thing twice in an answer is one.
        const seen = (await value<number>(database, timesSeen)) - before;
        expect(seen).toBeLessThanOrEqual(decoded.rejects.length);
        expect(seen > 0).toBe(decoded.rejects.length > 0);
      }),
      { numRuns: fuzzRuns(150) },
    );
    expect(await value<number>(database, timesSeen)).toBeGreaterThan(fuzzRuns(70));
  });
});

const timesSeen = 'select coalesce(sum(times_seen), 0)::int from cryptoracle.quarantine';
