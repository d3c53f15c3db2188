import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { Database } from '../../src/store/connection/database.ts';
import { createTestDatabase, rows, value } from '../support/database.ts';
import { demoEnvironment, loadCompose } from './files.ts';

it("docker-compose.yml makes the pipeline's login, and changes its password, where psql is installed", async (context) => {
  if (spawnSync('psql', ['--version']).status !== 0) return context.skip('psql is not installed');
  const database = await createTestDatabase('plain PostgreSQL');
  const owner = new URL(database.url);
  const { login } = loadCompose(demoEnvironment).services;
  const script = login?.command?.[0] ?? '';
  const run = (password: string) =>
    spawnSync('sh', ['-euc', script], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        PGHOST: owner.hostname,
        PGPORT: owner.port,
        PGDATABASE: owner.pathname.slice(1),
        PGUSER: owner.username,
        PGPASSWORD: decodeURIComponent(owner.password),
        WORKER_PASSWORD: password,
      },
    });
  try {
    for (const password of ['first', "second's"]) {
      const { status, stdout, stderr } = run(password);
      expect([status, stdout], stderr).toEqual([0, '']);
      const url = new URL(database.url);
      Object.assign(url, { username: 'cryptoracle_pipeline', password });
      const pipeline = new Database(url.href, { connections: 1 });
      expect(await rows(pipeline, 'select from cryptoracle.pace')).toEqual([]);
      await expect(rows(pipeline, 'truncate cryptoracle.pace')).rejects.toMatchObject({ code: '42501' });
      await pipeline.close();
    }
    expect(
      await value(
        database,
        "select rolsuper or rolcreaterole from pg_roles where rolname = 'cryptoracle_pipeline'",
      ),
    ).toBe(false);
  } finally {
    await database.pool.query('drop role if exists cryptoracle_pipeline');
  }
});
