import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { endOrder } from '../../../src/store/ledger/orders.ts';
import { createFolder, runCli } from '../../commands/cli.ts';
import { hour } from '../../support/clock.ts';
import { describeOnServers, rows } from '../../support/database.ts';
import { createFilledDatabase } from '../../support/filled.ts';
import { bodyOf, startSite, type TestSite } from '../site.ts';

/** The API of the page, against a database as the demo would have it, compared with SQL on the base tables. */

describeOnServers('the API', (kind) => {
  const folder = createFolder();
  let site: TestSite;
  beforeAll(async () => {
    site = await startSite(await createFilledDatabase(kind), { HTTP_WRITE_TOKEN: 'may-write-here' });
  });
  afterAll(() => site.stop());

  it('gives every value of a range, page by page, with the SQL that finds the same', async () => {
    const to = new Date(Math.floor(Date.now() / hour) * hour);
    const from = new Date(to.getTime() - 30 * hour);
    const query = { granularity: '1h', token: 'BTC,ETH', metric: 'mention_count,CO-A-02-03', limit: 7 };
    const found: unknown[] = [];
    let text = '';
    for (let cursor: number | null = 0; cursor !== null; ) {
      const page = await site.get('/values', {
        ...query,
        from: from.toISOString(),
        to: to.toISOString(),
        cursor,
      });
      expect(page.columns).toEqual(['time', 'token', 'mention_count', expect.any(String)]);
      found.push(...page.rows);
      cursor = page.next;
      text = page.sql;
    }
    const direct = await site.database.pool.query({ text, rowMode: 'array' });
    expect(found.length).toBeGreaterThan(40);
    expect(found).toEqual(JSON.parse(JSON.stringify(direct.rows)));
  });

  it('names what it does not understand', async () => {
    const range = { from: '2025-06-01T00:00:00Z', to: '2025-06-02T00:00:00Z' };
    const ask = (query: object) =>
      site.fetch('/values', { granularity: '1h', token: 'BTC', ...range, ...query });
    expect(await (await ask({ metric: "x'; drop table" })).json()).toEqual({
      error: "there is no metric 'x'; drop table'",
    });
    expect((await ask({ metric: 'mention_count', granularity: '2h' })).status).toBe(400);
    expect((await ask({ metric: 'mention_count', limit: 1_000_000 })).status).toBe(400);
    expect((await ask({ metric: 'mention_count', from: 'yesterday' })).status).toBe(400);
  });

  it('says how things are in one sentence, and names the tokens that a window lacks', async () => {
    const now = await site.get('/status');
    expect(now.granularities.map(({ granularity }: { granularity: string }) => granularity)).toEqual([
      '15m',
      '1h',
      '4h',
      '1d',
    ]);
    for (const part of now.granularities) {
      const there = await rows<{ token: string }>(
        site.database,
        `select token from cryptoracle.metrics_${part.granularity} where time = $1`,
        [part.newestDue],
      );
      expect(part.tokensThere).toBe(part.tokensWanted - part.missing.length);
      for (const { token } of there) expect(part.missing).not.toContain(token);
      const [usual] = await rows<{ usual: number | null }>(
        site.database,
        `select (select percentile_disc(0.5) within group (order by (
             select count(*)::int from cryptoracle.metrics_${part.granularity} where time = $1::timestamptz - ago * interval '24 hours'))
           from generate_series(1, 14) as ago
           where $1::timestamptz - ago * interval '24 hours' >= (select min(time) from cryptoracle.metrics_${part.granularity})
         ) as usual`,
        [part.newestDue],
      );
      expect(part.usual).toBe(usual?.usual);
    }
    expect(now.verdict.sentence).toMatch(/\.$/);
  });

  it('shows each day of each token as the base tables have it', async () => {
    const day = 24 * hour;
    const from = Math.floor((Date.now() - 5 * day + 8 * hour) / day) * day - 8 * hour;
    const range = { from: new Date(from).toISOString(), to: new Date(from + 3 * day).toISOString() };
    const map = await site.get('/coverage', { granularity: '1h', ...range });
    expect(map.columns).toBe(3);
    const stored = await rows<{ token: string; column: number; rows: number }>(
      site.database,
      `select token, floor(extract(epoch from time - $1::timestamptz) / 86400)::int as column, count(*)::int as rows
       from cryptoracle.metrics_1h where time >= $1 and time < $2 group by 1, 2`,
      [range.from, range.to],
    );
    expect(map.rows).toHaveLength(8);
    for (const { token, cells } of map.rows) {
      [...cells].forEach((letter: string, column: number) => {
        const count = stored.find((row) => row.token === token && row.column === column)?.rows ?? 0;
        if (count === 24) expect(['filled', 'failed', 'quarantined', 'partly']).toContain(map.legend[letter]);
        if (map.legend[letter] === 'filled') expect(count).toBe(24);
        if (count === 0) expect(['unavailable', 'empty', 'before history']).toContain(map.legend[letter]);
      });
    }
    expect(map.rows.some(({ cells }: { cells: string }) => cells.includes('#'))).toBe(true);
  });

  it('lists calls, failures, quarantine, notes, revisions and gaps, filtered and a page at a time', async () => {
    const first = await site.get('/requests', { limit: 2 });
    const second = await site.get('/requests', { limit: 2, cursor: first.next });
    const newest = await rows<{ id: string }>(
      site.database,
      'select id from cryptoracle.requests order by id desc limit 4',
    );
    const ids = [...first.items, ...second.items].map(({ id }: { id: number }) => String(id));
    expect(ids).toEqual(newest.map(({ id }) => id));
    const failed = await site.get('/requests', { outcome: 'failed' });
    expect(failed.items).toMatchObject([{ outcome: 'transient', code: 503, message: 'made for the test' }]);
    expect((await site.get('/failures')).items).toMatchObject([
      { outcome: 'transient', code: 503, calls: 1 },
    ]);
    expect((await site.get('/quarantine', { token: 'BTC' })).items).toMatchObject([
      { reason: 'no finite number', raw: '"many"' },
    ]);
    expect((await site.get('/quarantine', { token: 'ETH' })).items).toEqual([]);
    const revised = await site.get('/revisions', { token: 'BTC', granularity: '1h', limit: 1 });
    expect(revised.items).toMatchObject([{ new: 123_456 }]);
    const began = await site.get('/events', { limit: 2 });
    expect(began.items).toHaveLength(2);
    const quarantined = await site.get('/events', { kind: 'quarantined', granularity: '1h' });
    expect(quarantined.items).toMatchObject([{ subject: 'no finite number', isOpen: false, times: 1 }]);
    expect((await site.get('/events', { open: true, to: '2020-01-01T00:00:00Z' })).items).toEqual([]);
    for (const list of ['/notes', '/refusals', '/orders']) {
      expect((await site.get(list)).items).toBeInstanceOf(Array);
    }
    const gaps = await site.get('/gaps', { granularity: '1h' });
    for (const gap of gaps.items) expect(gap.windows).toBeGreaterThan(0);
    const [final] = await rows<{ finals: number; rows: number }>(
      site.database,
      `select count(*) filter (where is_final)::int as finals, count(*)::int as rows from cryptoracle.metrics
       where granularity = '1h' and token = 'BTC'`,
    );
    const range = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
    const asked = { granularity: '1h', token: 'BTC', metric: 'mention_count', ...range };
    const values = await site.get('/values', { ...asked, final: true });
    expect(values.columns.at(-1)).toBe('is_final');
    expect(values.rows.filter((row: unknown[]) => row.at(-1) === true)).toHaveLength(final?.finals ?? -1);
    expect(final?.finals).toBeLessThan(final?.rows ?? 0);
    const direct = await site.database.pool.query({ text: values.sql, rowMode: 'array' });
    expect(values.rows).toEqual(JSON.parse(JSON.stringify(direct.rows)));
    const quiet = await site.get('/freshness', { granularity: '1h', limit: 500 });
    const known = await rows<{ token: string; late: boolean | null }>(
      site.database,
      "select token, is_late as late from cryptoracle.token_freshness where granularity = '1h'",
    );
    expect(
      new Set(quiet.items.map((each: { token: string; isLate: boolean }) => `${each.token} ${each.isLate}`)),
    ).toEqual(new Set(known.map(({ token, late }) => `${token} ${late}`)));
    expect((await site.get('/suspended-rules')).items).toEqual([]);
    await site.database.pool.query(
      `insert into cryptoracle.quality_rules (granularity, metric, note, rows_checked, rows_found, suspended_since, examples)
       values ('1h', 'CO-A-01-09', 'outside its range', 200, 50, now(),
         '[{"token": "BTC", "time": "2025-05-31T15:00:00.000Z", "value": 25, "detail": "not within 0 to 1"}]')`,
    );
    expect((await site.get('/suspended-rules')).items).toMatchObject([
      { share: 0.25, examples: [{ value: 25 }] },
    ]);
    expect((await site.get('/movers', { granularity: '1h', limit: 3 })).items).toHaveLength(3);
    expect((await site.get('/zscores', { granularity: '1h' })).items.length).toBeGreaterThan(0);
    expect((await site.get('/catalogue')).metrics.length).toBeGreaterThanOrEqual(13);
  });

  it('tells the life of a window as the command `why` does', async () => {
    const [row] = await rows<{ time: Date; value: number }>(
      site.database,
      `select time, mention_count as value from cryptoracle.metrics_1h where mention_count = 123456 and token = 'BTC'`,
    );
    const window = row?.time.toISOString() ?? '';
    const story = await site.get('/why', {
      granularity: '1h',
      token: 'BTC',
      window,
      metric: 'mention_count',
    });
    expect(story).toMatchObject({
      window: { from: window },
      states: ['mention_count = 123456'],
      cells: [{ metric: 'CO-A-01-05', value: 123_456, reason: null }],
      revisions: [{ new: 123_456 }],
      quarantine: [{ reason: 'no finite number', raw: '"many"' }],
    });
    const told = await runCli(folder, ['why', 'BTC', '1h', window, 'mention_count', '--json'], {
      DATABASE_URL: site.database.url,
    });
    expect(told.code, told.stderr).toBe(0);
    // The steps to come are told as of two moments.
    expect({ ...story, next: [] }).toEqual({ ...JSON.parse(told.stdout), next: [] });
    const calls = await rows<{ id: string }>(
      site.database,
      `select id from cryptoracle.requests where what = 'values' and granularity = '1h' and 'BTC' = any (tokens)
         and 'CO-A-01-05' = any (metrics) and tstzrange(windows_from, windows_to) @> $1::timestamptz order by id`,
      [window],
    );
    expect(story.calls.map(({ id }: { id: number }) => String(id))).toEqual(calls.map(({ id }) => id));
    const times = story.moments.map(({ at }: { at: string }) => at);
    expect(times).toEqual(times.toSorted());
    expect(story.next).toHaveLength(1);
    // Any instant within the window means it, and no metric means all that are wanted.
    const later = new Date(Date.parse(window) + hour / 2).toISOString();
    const whole = await site.get('/why', { granularity: '1h', token: 'BTC', window: later });
    expect(whole.window.from).toBe(window);
    expect(whole.cells.length).toBeGreaterThan(5);
    const wrong = await site.fetch('/why', { granularity: '1h', token: 'BTCC', window });
    expect([wrong.status, await bodyOf(wrong)]).toEqual([400, { error: expect.stringMatching(/BTCC/) }]);
    const metric = await site.fetch('/why', { granularity: '1h', token: 'BTC', window, metric: 'mood' });
    expect([metric.status, await bodyOf(metric)]).toEqual([400, { error: "there is no metric 'mood'" }]);
  });

  it('reads as a reader that cannot write', async () => {
    const { reading } = site;
    const [who] = await reading.query('who', sql`select current_user as name`);
    expect(who).toEqual({ name: 'cryptoracle_reader' });
    await expect(reading.query('write', sql`delete from cryptoracle.requests`)).rejects.toThrow();
    await expect(reading.query('sleep', sql`select pg_sleep(20)`)).rejects.toThrow(/within 0.3 s/);
  });

  it('describes every route of itself', async () => {
    const { openapi, paths } = await site.get('/openapi.json');
    expect(openapi).toBe('3.1.0');
    for (const path of ['values', 'status', 'coverage', 'cell', 'why', 'gaps', 'orders', 'requests']) {
      expect(Object.keys(paths)).toContain(`/api/v1/${path}`);
    }
    expect(paths['/api/v1/values'].get.parameters.map(({ name }: { name: string }) => name)).toContain(
      'asOf',
    );
  });

  it('prices, places, pauses, resumes and cancels a backfill for whoever may write', async () => {
    const choice = {
      from: '2025-03-01T00:00:00+08:00',
      to: '2025-03-02T00:00:00+08:00',
      granularities: ['1d'],
    };
    expect((await site.post('/orders', choice)).status).toBe(403);
    expect((await site.post('/orders', choice, 'wrong-write-token')).status).toBe(403);
    const write = async (path: string, body: object = {}) => {
      const answer = await site.post(path, body, 'may-write-here');
      return { status: answer.status, body: await bodyOf(answer) };
    };
    const price = await write('/orders/price', choice);
    expect(price).toMatchObject({ status: 200, body: { nothing: null } });
    expect(price.body.values).toBeGreaterThan(0);
    const { body } = await write('/orders', choice);
    const state = async () => (await site.get(`/orders/${body.id}`)).order.state;
    expect(await state()).toBe('waiting');
    await write(`/orders/${body.id}/pause`);
    expect(await state()).toBe('paused');
    await write(`/orders/${body.id}/resume`);
    expect(await state()).toBe('waiting');
    // A worker that was at work when it was paused ends only now, and takes nothing back.
    await endOrder(site.database, body.id, { state: 'stopped', message: undefined }, Date.now());
    expect(await state()).toBe('waiting');
    await write(`/orders/${body.id}/cancel`);
    expect(await state()).toBe('cancelled');
    expect(await write(`/orders/${body.id}/resume`)).toMatchObject({ status: 400 });
    expect(await write('/orders', { ...choice, tokens: ['NOSUCH'] })).toMatchObject({ status: 400 });
    expect(await write('/quarantine/dismiss')).toMatchObject({ status: 400 });
    expect(await write('/quarantine/dismiss', { token: 'BTC' })).toMatchObject({ body: { dismissed: 1 } });
  });
});
