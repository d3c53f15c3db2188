import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyTables } from '../../harness/empty-tables.ts';
import type { BackfillContext } from '../../src/backfill/context.ts';
import { type OpenOrder, place, quoteOrder, quoteRest, requireOrder } from '../../src/backfill/order.ts';
import { workOn } from '../../src/backfill/work.ts';
import type { Granularity } from '../../src/catalog/index.ts';
import { systemClock } from '../../src/clock.ts';
import { Runtime } from '../../src/commands/runtime.ts';
import { TryLaterError, UserError } from '../../src/errors.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { createTestDatabase, rows, silent } from '../support/database.ts';
import { testSettings } from '../support/pipeline.ts';

const recordLimit = 52;
const settings = testSettings({ TOKENS: 'BTC,ETH,XRP,SOL', RECORD_LIMIT: String(recordLimit) });
/** 2025-06-01 to 2025-06-11 in Beijing. */
const range = { start: Date.UTC(2025, 4, 31, 16), end: Date.UTC(2025, 5, 10, 16) };

describe('work on an order', () => {
  let simulator: Simulator;
  let database: Database;
  let context: BackfillContext;
  beforeAll(async () => {
    simulator = await startTestSimulator({ behaviour: { recordLimit } });
    database = await createTestDatabase('plain PostgreSQL');
    context = new Runtime(settings, { clock: systemClock, log: silent }).backfill(database);
  });
  beforeEach(async () => {
    await emptyTables(database.pool);
    simulator.setFaults({});
  });

  async function placed(...granularities: Granularity[]): Promise<OpenOrder> {
    const { tokens, metrics } = settings;
    const choice = { range, granularities, tokens, metrics, refresh: false, evenUnavailable: false };
    return place(await quoteOrder(choice, context), context);
  }

  function work(order: OpenOrder) {
    const ingestor = createIngestor(database, simulator, systemClock);
    const observer = { began: () => {}, progressed: () => {}, ended: () => {} };
    return workOn(order, { ingestor, signal: new AbortController().signal, observer }, context);
  }

  const orders = () =>
    rows(database, 'select id::int, state, requests_sent, message from cryptoracle.backfills order by id');

  it('ends where the API gives no answers, says why, and counts only what was sent', async () => {
    const order = await placed('1h', '4h');
    simulator.setFaults({ error500: { probability: 1 } });
    const before = simulator.counters.requests;
    const { end, tally, requestsLeft, problem } = await work(order);
    const sent = simulator.counters.requests - before;
    expect(end).toBe('no-answers');
    expect(problem).toBeInstanceOf(TryLaterError);
    expect(problem?.message).toMatch(new RegExp(`no answers.*500.*resume ${order.id}`));
    expect(tally.calls).toBe(sent);
    expect(sent).toBeLessThan(requestsLeft);
    const { message } = problem ?? {};
    expect(await orders()).toEqual([{ id: order.id, state: 'stopped', requests_sent: sent, message }]);
  });

  it('ends soon where the API finds every request wrong, says what finds out why, and can be resumed', async () => {
    const { id, ...order } = await placed('4h');
    simulator.setFaults({ unknownCode: { probability: 1, code: 201 } });
    const { end, problem } = await work({ id, ...order });
    expect(end).toBe('all-wrong');
    expect(problem).toBeInstanceOf(UserError);
    expect(problem?.message).toMatch(/every request wrong.*201.*doctor --calibrate/);
    expect(await orders()).toMatchObject([{ id, state: 'failed' }]);
    simulator.setFaults({});
    const rest = await quoteRest(await requireOrder(database, id), context);
    expect(await work(rest.order)).toMatchObject({ end: 'done', valuesLeft: 0, problem: undefined });
    expect(await orders()).toMatchObject([{ id, state: 'done' }]);
  });
});
