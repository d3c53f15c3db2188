import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { settingNames } from '../src/config.ts';
import { storeAnswer } from '../src/store/answers/write.ts';
import { Database } from '../src/store/connection/database.ts';
import { answer, mentions, row, start } from './store/answers/answering.ts';
import { createTestDatabase, describeOnServers, rows } from './support/database.ts';
import { createLogin } from './support/logins.ts';

/** SECURITY.md: what it tells people to type works, and what it speaks of is there. */

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const page = read('SECURITY.md');
const statements = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
const denied = { code: '42501' };

describeOnServers('the logins of SECURITY.md', (kind) => {
  const releasers: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const release of releasers.reverse()) await release();
  });

  it('may do what it says, and nobody else comes in', async () => {
    const database = await createTestDatabase(kind);
    const nobody = await createLogin(database);
    await rows(nobody, 'select 1');
    const suffix = randomBytes(6).toString('hex');
    const names = { cryptoracle_pipeline: `pipeline_${suffix}`, analyst: `analyst_${suffix}` };
    expect(statements).toHaveLength(2);
    for (const block of statements) {
      const named = block
        .replaceAll(/\b(cryptoracle_pipeline|analyst)\b/g, (name) => names[name as keyof typeof names])
        .replaceAll('database cryptoracle ', `database ${new URL(database.url).pathname.slice(1)} `);
      await database.pool.query(named);
    }
    const open = async (name: string) => {
      await database.pool.query(`alter role ${name} password 'of-a-test'`);
      const url = new URL(database.url);
      Object.assign(url, { username: name, password: 'of-a-test' });
      const login = new Database(url.href, { connections: 2 });
      releasers.push(
        () => database.pool.query(`drop role ${name}`),
        () => login.close(),
      );
      return login;
    };
    const pipeline = await open(names.cryptoracle_pipeline);
    const analyst = await open(names.analyst);
    await storeAnswer(pipeline, answer({ rows: [row('BTC', start, { [mentions]: 7 })] }));
    expect(await rows(analyst, 'select token, mention_count from cryptoracle.metrics_1h')).toEqual([
      { token: 'BTC', mention_count: 7 },
    ]);
    for (const login of [pipeline, analyst]) {
      for (const statement of ['create table public.mine (id int)', 'truncate cryptoracle.metrics_1h'])
        await expect(rows(login, statement), statement).rejects.toMatchObject(denied);
    }
    await expect(rows(analyst, 'create temporary table mine (id int)')).rejects.toMatchObject(denied);
    const { pathname } = new URL(nobody.url);
    const stranger = new Database(new URL(pathname, nobody.url).href, { connections: 1 });
    releasers.push(() => stranger.close());
    await expect(rows(stranger, 'select 1')).rejects.toMatchObject(denied);
  });
});

describe('SECURITY.md', () => {
  it('names settings and files that there are', () => {
    const named = [...page.matchAll(/`(…_|)([A-Z]+_[A-Z_]+)/g)];
    expect(named.length).toBeGreaterThan(8);
    for (const [, isShortened = '', name = ''] of named) {
      const setting = name.replace(/_FILE$/, '');
      const isKnown = settingNames.some((each) =>
        isShortened === '' ? each === setting : each.endsWith(setting),
      );
      expect(isKnown, name).toBe(true);
    }
    for (const [, path = ''] of page.matchAll(/`(src\/[\w/.]+)`/g)) expect(read(path)).not.toBe('');
  });

  it('explains every package whose version is not left to its dependants', () => {
    const { overrides } = z
      .object({ overrides: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    for (const name of Object.keys(overrides)) expect(page).toContain(`\`${name}\``);
  });
});
