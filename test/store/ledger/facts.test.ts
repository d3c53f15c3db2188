import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Database } from '../../../src/store/connection/database.ts';
import { assumedFacts, readFacts, storeFact, withStated } from '../../../src/store/ledger/facts.ts';
import { hour, ManualClock } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';

describeOnServers('facts about the API', (kind) => {
  let database: Database;
  let clock: ManualClock;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    clock = new ManualClock('2025-06-20T00:00:00Z');
    await database.pool.query('truncate cryptoracle.facts');
  });

  it('are assumed until something shows them: the day starts at 08:00', async () => {
    const facts = await readFacts(database);
    expect(facts).toEqual(assumedFacts);
    expect(facts.day_start).toEqual({
      value: '08:00',
      found: 'assumed',
      detail: undefined,
      since: undefined,
    });
  });

  it('are kept with how, why and when they were found', async () => {
    const found = { name: 'record_limit', value: 500, found: 'answered', detail: 'cut at 500' } as const;
    expect(await storeFact(database, found, clock.now())).toEqual({ isNew: true });
    expect((await readFacts(database)).record_limit).toEqual({
      value: 500,
      found: 'answered',
      detail: 'cut at 500',
      since: clock.now(),
    });
  });

  it('keep the instant at which they were found when they are found again', async () => {
    const found = { name: 'day_start', value: '00:00', found: 'answered' } as const;
    const first = clock.now();
    await storeFact(database, found, first);
    clock.advance(hour);
    expect(await storeFact(database, found, clock.now())).toEqual({ isNew: false });
    expect((await readFacts(database)).day_start.since).toBe(first);
    expect(await storeFact(database, { ...found, value: '08:00' }, clock.now())).toEqual({ isNew: true });
    expect((await readFacts(database)).day_start).toMatchObject({ value: '08:00', since: clock.now() });
  });

  it('give way to settings', async () => {
    await storeFact(database, { name: 'day_start', value: '00:00', found: 'answered' }, clock.now());
    const facts = withStated(await readFacts(database), { day_start: '08:00', record_limit: undefined });
    expect(facts.day_start).toMatchObject({ value: '08:00', found: 'setting' });
    expect(facts.record_limit).toEqual(assumedFacts.record_limit);
  });

  it('count as not found where this program cannot read them', async () => {
    await rows(
      database,
      `insert into cryptoracle.facts values ('day_start', '12:00', 'answered', null, now()), ('else', '1', 'answered', null, now())`,
    );
    expect(await readFacts(database)).toEqual(assumedFacts);
  });
});
