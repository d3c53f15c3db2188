import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Database, type Transaction } from '../../../src/store/connection/database.ts';
import { errorCode } from '../../../src/store/connection/errors.ts';
import { createEmptyDatabase, describeOnServers, dropDatabase, value } from '../../support/database.ts';

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

describeOnServers('a transaction', (kind) => {
  let url: string;
  let database: Database;
  beforeAll(async () => {
    url = await createEmptyDatabase(kind);
    database = new Database(url, { connections: 40 });
    await database.pool.query(
      'create table notes (id int primary key generated always as identity, note text)',
    );
  });
  afterAll(async () => {
    await database.close();
    await dropDatabase(kind, url);
  });

  /** A row of a test's own, so that the tests may run at the same time. */
  async function newNote() {
    const id = await value<number>(database, "insert into notes (note) values ('') returning id");
    return {
      id,
      write: (text: string, tx: Transaction, through = database) =>
        through.query('write', sql`update notes set note = note || ${text} where id = ${id}`, tx),
      read: () => value<string>(database, 'select note from notes where id = $1', [id]),
    };
  }

  const fail = (code: string, tx: Transaction) =>
    database.query('fail', sql.raw(`do $$ begin raise exception using errcode = '${code}'; end $$`), tx);
  const processOf = async (tx: Transaction) => {
    const [row] = await database.query<{ pid: number }>('pid', sql`select pg_backend_pid() as pid`, tx);
    return row?.pid;
  };
  /** Ends a connection, as an administrator or a restart does. */
  const cut = (pid: number | undefined) => database.pool.query('select pg_terminate_backend($1)', [pid]);

  it.concurrent.each(['40001', '40P01', '57P01', '08006'])(
    'is repeated whole after error %s',
    async (code) => {
      const note = await newNote();
      let attempts = 0;
      const result = await database.transaction(async (tx) => {
        attempts++;
        await note.write('x', tx);
        if (attempts < 3) await fail(code, tx);
        return attempts;
      });
      expect(result).toBe(3);
      expect(await note.read()).toBe('x');
    },
  );

  it.concurrent('is given up after three attempts', async () => {
    const note = await newNote();
    let attempts = 0;
    const failing = database.transaction(async (tx) => {
      attempts++;
      await note.write('x', tx);
      await fail('40001', tx);
    });
    await expect(failing.catch(errorCode)).resolves.toBe('40001');
    expect(attempts).toBe(3);
    expect(await note.read()).toBe('');
  });

  it.concurrent('is not repeated where that would not help', async () => {
    const note = await newNote();
    let attempts = 0;
    const failing = database.transaction(async (tx) => {
      attempts++;
      await note.write('x', tx);
      await fail('23505', tx);
    });
    await expect(failing.catch(errorCode)).resolves.toBe('23505');
    expect(attempts).toBe(1);
    expect(await note.read()).toBe('');
  });

  it.concurrent('gives back an error of its own work, and nothing of it is stored', async () => {
    const note = await newNote();
    const failing = database.transaction(async (tx) => {
      await note.write('x', tx);
      throw new RangeError('a mistake');
    });
    await expect(failing).rejects.toThrow(new RangeError('a mistake'));
    expect(await note.read()).toBe('');
  });

  it.concurrent('is repeated after a real serialization failure', async () => {
    const note = await newNote();
    let attempts = 0;
    await database.transaction(async (tx) => {
      attempts++;
      await database.query('level', sql`set transaction isolation level repeatable read`, tx);
      await database.query('read', sql`select note from notes where id = ${note.id}`, tx);
      if (attempts === 1) await database.transaction((other) => note.write('other ', other));
      await note.write('this', tx);
    });
    expect(attempts).toBe(2);
    expect(await note.read()).toBe('other this');
  });

  it.concurrent('is repeated after a real deadlock', async () => {
    const [one, two] = [await newNote(), await newNote()];
    const met = new Set<string>();
    let attempts = 0;
    const both = (who: string, [first, second]: readonly (typeof one)[]) =>
      database.transaction(async (tx) => {
        attempts++;
        await first?.write(who, tx);
        met.add(who);
        while (met.size < 2) await pause(5);
        await second?.write(who, tx);
      });
    await Promise.all([both('a', [one, two]), both('b', [two, one])]);
    expect(attempts).toBe(3);
    expect([await one.read(), await two.read()].map((text) => [...text].sort().join(''))).toEqual([
      'ab',
      'ab',
    ]);
  });

  it.concurrent('is repeated where its connection is cut between two statements', async () => {
    const note = await newNote();
    let attempts = 0;
    await database.transaction(async (tx) => {
      attempts++;
      await note.write('x', tx);
      if (attempts === 1) {
        await cut(await processOf(tx));
        await pause(100);
      }
      await note.write('y', tx);
    });
    expect(attempts).toBe(2);
    expect(await note.read()).toBe('xy');
  });

  it.concurrent('is repeated where its connection is cut during a statement', async () => {
    const note = await newNote();
    let attempts = 0;
    await database.transaction(async (tx) => {
      attempts++;
      await note.write('x', tx);
      if (attempts > 1) return;
      const pid = await processOf(tx);
      setTimeout(() => cut(pid), 50);
      await database.query('sleep', sql`select pg_sleep(5)`, tx);
    });
    expect(attempts).toBe(2);
    expect(await note.read()).toBe('x');
  });

  it.concurrent('is repeated where its connection is cut before the commit', async () => {
    const note = await newNote();
    let attempts = 0;
    await database.transaction(async (tx) => {
      attempts++;
      await note.write('x', tx);
      if (attempts === 1) await cut(await processOf(tx));
    });
    expect(attempts).toBe(2);
    expect(await note.read()).toBe('x');
  });

  it.concurrent('that is cut again and again is given up, and leaves no connection behind', async () => {
    const note = await newNote();
    const own = new Database(url, { connections: 2 });
    let attempts = 0;
    const failing = own.transaction(async (tx) => {
      attempts++;
      await cut(await processOf(tx));
      await note.write('x', tx, own);
    });
    await expect(failing).rejects.toThrow();
    expect(attempts).toBe(3);
    expect(own.pool.totalCount).toBe(own.pool.idleCount);
    expect(await note.read()).toBe('');
    await own.transaction((tx) => note.write('y', tx, own));
    expect(await note.read()).toBe('y');
    await own.close();
  });

  it.concurrent('gives its connection back, whether or not it succeeds', async () => {
    const note = await newNote();
    const own = new Database(url, { connections: 1 });
    for (let round = 0; round < 5; round++) {
      await own.transaction((tx) => note.write('x', tx, own));
      await own.transaction((tx) => fail('23505', tx)).catch(() => {});
    }
    expect(await note.read()).toBe('xxxxx');
    expect(own.pool.totalCount).toBe(own.pool.idleCount);
    await own.close();
  });

  it.concurrent('finds another connection after all idle ones were cut', async () => {
    const note = await newNote();
    const own = new Database(url, { connections: 3 });
    const sleeping = [1, 2, 3].map(() => own.pool.query('select pg_backend_pid() as pid, pg_sleep(0.05)'));
    const pids = (await Promise.all(sleeping)).map(({ rows }) => rows[0]?.pid as number);
    expect(new Set(pids).size).toBe(3);
    for (const pid of pids) await cut(pid);
    await pause(200);
    await own.transaction((tx) => note.write('z', tx, own));
    expect(await note.read()).toBe('z');
    await own.close();
  });

  it.concurrent('tells the observer of every statement: its name, its time and whether it failed', async () => {
    const seen: unknown[] = [];
    const observe = (name: string, milliseconds: number, failed: boolean) =>
      seen.push([name, milliseconds >= 0, failed]);
    const own = new Database(url, { connections: 1, observe });
    await own.transaction((tx) => own.query('one', sql`select 1`, tx));
    await own.query('two', sql`select from no_such_table`).catch(() => {});
    await own.close();
    expect(seen).toEqual([
      ['begin', true, false],
      ['one', true, false],
      ['commit', true, false],
      ['two', true, true],
    ]);
  });
});
