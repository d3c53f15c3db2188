import { fillGaps } from '../../src/backfill/fill.ts';
import { beijingDay } from '../../src/beijing.ts';
import { bundledTokens, granularities, tagCodes } from '../../src/catalog/index.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { Packer } from '../../src/planning/packing.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { newestDay, tagRequests } from '../../src/planning/tags.ts';
import { logRequest } from '../../src/store/answers/requests.ts';
import { storeAnswer } from '../../src/store/answers/write.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { storeDesiredScope } from '../../src/store/ledger/desired-scope.ts';
import { readScope } from '../../src/store/ledger/scope.ts';
import { answer, row } from '../store/answers/answering.ts';
import { createIngestor, startTestSimulator } from './api.ts';
import { v1Metrics } from './catalogue.ts';
import { day, hour, minute } from './clock.ts';
import { createTestDatabase, type ServerKind } from './database.ts';

/**
 * What the demo would have: some days of a few tokens up to now, labels, and a little of all that may go wrong.
 * @param world the time of day, the real one by default
 */
export async function createFilledDatabase(kind: ServerKind, world: Clock = systemClock): Promise<Database> {
  const database = await createTestDatabase(kind);
  const simulator = await startTestSimulator({ clock: world });
  // A minute ago, so that questions about a moment ago find something.
  const clock = { now: () => world.now() - minute };
  const ingestor = createIngestor(database, simulator, clock);
  const now = clock.now();
  const range = { start: beijingDay(now) - 8 * day, end: now };
  const tokens = bundledTokens.slice(0, 8).map(({ token }) => token);
  // A day more than was asked for.
  const desired = { tokens, metrics: v1Metrics, tags: [], granularities, historyStart: range.start - day };
  await storeDesiredScope(database, { ...desired, settleDelay: 15 * minute, apiVersion: 'v1' });
  await fillGaps({
    database,
    ingestor,
    packer: new Packer({ limit: 2000, unit: 'value', extraRecords: 0 }),
    // Without delay: around midnight, too, yesterday is complete.
    scope: {
      wanted: wantedWindows(range, granularities, now, 0, '08:00'),
      ...(await readScope(database, { tokens, metrics: v1Metrics, tags: [] }, now)),
    },
    clock,
    concurrency: 4,
    signal: new AbortController().signal,
  });
  const gap = { tokens, metrics: tagCodes, interval: newestDay(now, 15 * minute, '08:00') };
  for (const request of tagRequests([gap], { recordLimit: 2000, recordUnit: 'value' })) {
    await ingestor.ingest(request, 'repair');
  }
  await addTrouble(database, now);
  return database;
}

/** A changed value, a changed label, one that is cut short, a call that failed, something in quarantine. */
async function addTrouble(database: Database, now: number): Promise<void> {
  const newest = Math.floor(now / hour) * hour - 3 * hour;
  await storeAnswer(
    database,
    answer({
      from: newest,
      to: newest + hour,
      rows: [row('BTC', newest, { 'CO-A-01-05': 123_456 })],
      rejects: [
        {
          reason: 'no finite number',
          part: 'value',
          token: 'BTC',
          time: newest,
          metric: 'CO-A-01-05',
          raw: 'many',
        },
      ],
      receivedAt: now - minute,
      log: undefined,
    }),
  );
  await logRequest(database, {
    what: 'values',
    lane: 'live',
    granularity: '1h',
    interval: { start: newest, end: newest + hour },
    tokens: ['BTC'],
    metrics: v1Metrics,
    outcome: 'transient',
    code: 503,
    milliseconds: 40,
    message: 'made for the test',
    at: now - minute,
  });
  await database.pool.query(
    `insert into cryptoracle.token_tags (token, tag, value, first_day, last_day)
     select token, tag, 'an older label', first_day - 40, first_day - 1 from cryptoracle.token_tags`,
  );
  await database.pool.query(
    `update cryptoracle.token_tags set value = '{"primary": "cut sho' where token = 'ETH' and value like '{%'`,
  );
}
