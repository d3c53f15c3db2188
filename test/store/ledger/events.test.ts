import fc from 'fast-check';
import { pino } from 'pino';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { Database } from '../../../src/store/connection/database.ts';
import { endEvent, noteEvent, tryToEnd, tryToNote } from '../../../src/store/ledger/events.ts';
import { readEvents } from '../../../src/store/reports/events.ts';
import { day, hour, minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, silent, value } from '../../support/database.ts';

const start = Date.UTC(2025, 5, 1);
const second = 1000;

describeOnServers('events', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    await database.pool.query('truncate cryptoracle.events');
  });

  const stored = () =>
    rows<{ at: Date; until: Date; is_open: boolean; times: number; subject: string; message: string }>(
      database,
      'select at, until, is_open, times, subject, message from cryptoracle.events order by at, subject',
    );

  it('that go on are one until they end', async () => {
    const refusal = { kind: 'metric refused', subject: 'CO-A-02-05', isOpen: true } as const;
    expect(await noteEvent(database, { ...refusal, at: start, message: 'first' })).toBe(true);
    expect(await noteEvent(database, { ...refusal, at: start + day, message: 'again' })).toBe(false);
    expect(await noteEvent(database, { ...refusal, subject: 'other', at: start, message: 'x' })).toBe(true);
    expect(await endEvent(database, { kind: 'metric refused', subject: 'CO-A-02-05' }, start + 2 * day)).toBe(
      true,
    );
    expect(await endEvent(database, { kind: 'metric refused', subject: 'CO-A-02-05' }, start + 3 * day)).toBe(
      false,
    );
    expect(await noteEvent(database, { ...refusal, at: start + 4 * day, message: 'anew' })).toBe(true);
    expect(await stored()).toMatchObject([
      { at: new Date(start), until: new Date(start + 2 * day), is_open: false, times: 2, message: 'again' },
      { subject: 'other', is_open: true },
      { at: new Date(start + 4 * day), is_open: true, times: 1, message: 'anew' },
    ]);
  });

  it('that repeat themselves grow, as a model of them does', async () => {
    const within = 10 * minute;
    const notices = fc.array(
      fc.record({ wait: fc.integer({ min: 0, max: 15 * 60 }), subject: fc.constantFrom('', 'a') }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(notices, async (waits) => {
        await database.pool.query('truncate cryptoracle.events');
        const model: { subject: string; at: number; until: number; times: number }[] = [];
        let now = start;
        for (const { wait, subject } of waits) {
          now += wait * second;
          await noteEvent(database, {
            kind: 'quarantined',
            at: now,
            subject,
            message: 'm',
            joinsWithin: within,
          });
          const last = model.findLast((each) => each.subject === subject);
          if (last === undefined || now - last.until > within) {
            model.push({ subject, at: now, until: now, times: 1 });
          } else if (now - last.until >= minute) {
            last.until = now;
            last.times++;
          }
        }
        const found = (await stored()).map(({ subject, at, until, times }) => ({
          ...{ subject, at: at.getTime(), until: until.getTime(), times },
        }));
        const inOrder = model.toSorted((a, b) => a.at - b.at || (a.subject < b.subject ? -1 : 1));
        expect(found).toEqual(inOrder);
      }),
      { numRuns: 25 },
    );
  });

  it('that eight processes notice at once are one', async () => {
    const outage = { kind: 'api outage', at: start, isOpen: true, message: 'no answer' } as const;
    const news = await Promise.all(Array.from({ length: 8 }, () => noteEvent(database, outage)));
    expect(news.filter((isNew) => isNew)).toHaveLength(1);
    expect(await stored()).toHaveLength(1);
  });

  it('may say anything', async () => {
    const message = 'NUL \0, half \ud800 and long '.padEnd(5000, 'x');
    await noteEvent(database, { kind: 'quarantined', at: start, subject: '\0\ud800', message });
    const [event] = await stored();
    expect(event?.message.length).toBe(2000);
    expect(event?.message.startsWith('NUL \ufffd, half \ufffd and')).toBe(true);
  });

  it('commit with what they are about, or not at all', async () => {
    const failed = database.transaction(async (tx) => {
      await noteEvent(database, { kind: 'order done', at: start, message: 'm' }, tx);
      throw new Error('the rest fails');
    });
    await expect(failed).rejects.toThrow('the rest fails');
    expect(await stored()).toEqual([]);
  });

  it('that cannot be written stop nothing', async () => {
    const nowhere = new Database('postgresql://nobody@127.0.0.1:1/none', { connections: 1 });
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
    await tryToNote(nowhere, log, { kind: 'started', at: start, message: 'm' });
    expect(await tryToEnd(nowhere, silent, { kind: 'api outage' }, start)).toBe(false);
    expect(lines.join()).toContain('could not be written');
    await nowhere.close();
  });

  it('are listed by kind, time and whether they go on, the newest first', async () => {
    await noteEvent(database, { kind: 'started', at: start, message: 'a' });
    await noteEvent(database, { kind: 'api outage', at: start + hour, isOpen: true, message: 'b' });
    await noteEvent(database, {
      kind: 'dropped here',
      at: start + 2 * hour,
      granularity: '1h',
      message: 'c',
    });
    const list = async (filter: Parameters<typeof readEvents>[1], most = 10) => {
      const { events, total } = await readEvents(database, filter, most);
      return [events.map(({ message }) => message).join(''), total];
    };
    expect(await list({})).toEqual(['cba', 3]);
    expect(await list({}, 1)).toEqual(['c', 3]);
    expect(await list({ kinds: ['started', 'dropped here'] })).toEqual(['ca', 2]);
    expect(await list({ onlyOpen: true })).toEqual(['b', 1]);
    // What goes on still has happened since any instant.
    expect(await list({ since: start + 5 * hour })).toEqual(['b', 1]);
    expect(await list({ before: start + hour })).toEqual(['a', 1]);
    expect(await list({ granularities: ['1h'] })).toEqual(['c', 1]);
  });

  it('are removed when they are old, but for what goes on', async () => {
    await noteEvent(database, { kind: 'started', at: start, message: 'old' });
    await noteEvent(database, { kind: 'api outage', at: start, isOpen: true, message: 'goes on' });
    expect(
      await value(database, "select cryptoracle.retire('events', $1)::int", [new Date(start + day)]),
    ).toBe(1);
    expect((await stored()).map(({ message }) => message)).toEqual(['goes on']);
  });
});
