import { spawnSync } from 'node:child_process';
import { expect, inject, it } from 'vitest';
import { withClient } from '../../harness/client.ts';
import { createTestDatabase } from '../support/database.ts';
import { createLogin } from '../support/logins.ts';
import { demoEnvironment, loadCompose } from './files.ts';

it("docker-compose.yml makes Grafana's login as a login that may make one", async () => {
  const { 'grafana-reader': service } = loadCompose(demoEnvironment).services;
  const [shell = '', ...flags] = service?.entrypoint ?? [];
  const [text = ''] = service?.command ?? [];
  const script = text.replace('dist/cli.js', inject('program'));
  const database = await createTestDatabase('plain PostgreSQL');
  const worker = await createLogin(database, 'cryptoracle_worker', 'cryptoracle_reader');
  const logins: Readonly<Record<string, string>> = {
    cryptoracle: database.url,
    cryptoracle_pipeline: worker.url,
  };
  const run = (login: string, password: string) =>
    spawnSync(shell, [...flags, script], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, DATABASE_URL: logins[login], GRAFANA_PASSWORD: password },
    });
  const login = new URL(service?.environment.DATABASE_URL ?? '').username;
  try {
    const password = "only-for-the-demo's";
    const { status, stderr } = run(login, password);
    expect(status, stderr).toBe(0);
    const grafana = Object.assign(new URL(database.url), { username: 'grafana', password });
    const { rows } = await withClient(grafana.href, (client) => client.query('select from latest limit 1'));
    expect(rows).toEqual([]);
    // With the pipeline's login, as it once was, nothing of this works.
    expect(run('cryptoracle_pipeline', 'only-for-the-demo').stderr).toMatch(/^error: .*may not/m);
  } finally {
    await database.pool.query('drop role if exists grafana');
  }
});
