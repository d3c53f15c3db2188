import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { files } from '../../grafana/generate/files.ts';
import { granularities, metrics } from '../../src/catalog/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { day, hour } from '../support/clock.ts';
import { describeOnServers } from '../support/database.ts';
import { createFilledDatabase } from '../support/filled.ts';
import { expand, type View } from './macros.ts';

const root = new URL('../../grafana/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

const datasource = z.object({
  type: z.literal('grafana-postgresql-datasource'),
  uid: z.literal('cryptoracle'),
});

const dashboardSchema = z.object({
  uid: z.string().max(40),
  title: z.string(),
  templating: z.object({
    list: z.array(
      z.object({
        name: z.string(),
        type: z.enum(['custom', 'query']),
        query: z.string(),
        current: z.object({ value: z.union([z.string(), z.array(z.string())]) }),
      }),
    ),
  }),
  panels: z.array(
    z.object({
      id: z.number(),
      title: z.string(),
      description: z.string().min(1),
      type: z.enum(['timeseries', 'table', 'stat', 'barchart']),
      datasource,
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z
        .array(
          z.object({
            refId: z.string(),
            format: z.enum(['time_series', 'table']),
            rawSql: z.string(),
            datasource,
          }),
        )
        .min(1),
    }),
  ),
});

const dashboards = readdirSync(new URL('dashboards/', root)).map((name) => ({
  name,
  ...dashboardSchema.parse(JSON.parse(read(`dashboards/${name}`))),
}));

const rules = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            uid: z.string().max(40),
            title: z.string(),
            condition: z.string(),
            annotations: z.object({ summary: z.string(), description: z.string(), runbook_url: z.string() }),
            notification_settings: z.object({
              receiver: z.string(),
              group_by: z.array(z.string()),
              group_interval: z.string(),
            }),
            data: z.array(
              z.object({
                refId: z.string(),
                datasourceUid: z.string(),
                model: z.object({
                  rawSql: z.string().optional(),
                  expression: z.string().optional(),
                  type: z.string().optional(),
                }),
              }),
            ),
          }),
        ),
      }),
    ),
  })
  .parse(JSON.parse(read('provisioning/alerting/rules.json')))
  .groups.flatMap((group) => group.rules);

describe('the files under grafana/', () => {
  it('are those that `npm run dashboards` writes', () => {
    for (const [path, text] of files) expect(read(path), path).toBe(text);
    const written = [...files.keys()].filter((path) => path.startsWith('dashboards/'));
    expect(dashboards.map(({ name }) => `dashboards/${name}`)).toEqual(written.toSorted());
  });

  it('chart every metric of the catalogue, and offer every granularity', () => {
    const token = dashboards.find(({ uid }) => uid === 'cryptoracle-token');
    const titles = token?.panels.map(({ title }) => title);
    for (const { column } of metrics) expect(titles).toContain(column);
    for (const { uid, templating } of dashboards) {
      const variable = templating.list.find(({ name }) => name === 'granularity');
      if (uid !== 'cryptoracle-health') expect(variable?.query).toBe(granularities.join());
    }
  });

  it('lay panels side by side, none over another', () => {
    for (const { panels } of dashboards) {
      const taken = new Set<string>();
      for (const { gridPos } of panels) {
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          expect(x).toBeLessThan(24);
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(taken).not.toContain(`${x},${y}`);
            taken.add(`${x},${y}`);
          }
        }
      }
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    }
  });

  it('name one datasource, which is provisioned, and hold no secret', () => {
    const provisioned = parse(read('provisioning/datasources/cryptoracle.yml'));
    expect(provisioned.datasources).toMatchObject([
      {
        uid: 'cryptoracle',
        type: 'grafana-postgresql-datasource',
        secureJsonData: { password: '$GRAFANA_PASSWORD' },
      },
    ]);
    const provider = parse(read('provisioning/dashboards/cryptoracle.yml')).providers[0];
    const compose = parse(readFileSync(new URL('../docker-compose.yml', root), 'utf8'), { merge: true });
    expect(compose.services.grafana.volumes).toContain(`./grafana/dashboards:${provider.options.path}:ro`);
  });

  it('link each alert to a runbook that there is, which Grafana has among its public files', () => {
    const compose = parse(readFileSync(new URL('../docker-compose.yml', root), 'utf8'), { merge: true });
    expect(compose.services.grafana.volumes).toContain(
      './docs/runbooks:/usr/share/grafana/public/runbooks:ro',
    );
    for (const { title, annotations } of rules) {
      const [, name = ''] = /^\/public\/runbooks\/([\w-]+\.md)$/.exec(annotations.runbook_url) ?? [];
      const runbook = readFileSync(new URL(`../docs/runbooks/${name}`, root), 'utf8');
      expect(runbook.split('\n')[0]).toBe(`# ${title}`);
      expect(runbook).toMatch(/\*\*Means:\*\*.*\n\n\*\*Harm:\*\*.*\n\n## What to do\n\n1\. /);
    }
  });

  it('have alert rules for all that the program itself tells a chat, and more', () => {
    const names = ['freshness', 'gaps', 'breaker', 'token-list', 'suspects', 'quarantine', 'metric-refused'];
    const all = [...names, 'backfill-died', 'backfill-done'].map((name) => `cryptoracle-${name}`);
    expect(rules.map(({ uid }) => uid)).toEqual(all);
    for (const { condition, data } of rules) {
      expect(data.map(({ refId }) => refId)).toContain(condition);
      expect(data.find(({ refId }) => refId === condition)?.model).toMatchObject({
        type: 'threshold',
        expression: 'A',
      });
    }
  });
});

describe('alerts', () => {
  const { contactPoints } = z
    .object({
      apiVersion: z.literal(1),
      contactPoints: z.array(
        z.object({
          name: z.string(),
          receivers: z.array(
            z.object({
              uid: z.string().max(40),
              type: z.literal('slack'),
              disableResolveMessage: z.literal(false),
              settings: z.object({ url: z.string(), title: z.string(), text: z.string() }),
            }),
          ),
        }),
      ),
    })
    .parse(JSON.parse(read('provisioning/alerting/contact-points.json')));

  it('go to the chat of NOTIFY_WEBHOOK, at most once an hour each, and tell when they are over', () => {
    const receivers = contactPoints.flatMap((point) => point.receivers);
    expect(receivers.map(({ settings }) => settings.url)).toEqual(['$NOTIFY_WEBHOOK']);
    for (const { settings } of receivers) {
      // Grafana would take any other dollar for a variable, too.
      expect(settings.title + settings.text).not.toContain('$');
    }
    for (const { notification_settings: way } of rules) {
      expect(contactPoints.map(({ name }) => name)).toContain(way.receiver);
      expect(way.group_by).toEqual(['grafana_folder', 'alertname']);
      expect(way.group_interval).toBe('1h');
    }
  });

  it('have an address even where nobody is to be told, without which Grafana does not start', () => {
    const { environment } = parse(readFileSync(new URL('../docker-compose.yml', root), 'utf8'), {
      merge: true,
    }).services.grafana;
    const [, otherwise = ''] = /^\$\{NOTIFY_WEBHOOK:-(.*)\}$/.exec(environment.NOTIFY_WEBHOOK) ?? [];
    expect(new URL(otherwise).hostname).toBe('127.0.0.1');
  });
});

describeOnServers("Grafana's queries", (kind) => {
  let database: Database;
  let client: pg.Client;
  let view: View;
  beforeAll(async () => {
    database = await createFilledDatabase(kind);
    client = new pg.Client({ connectionString: database.url, options: '-c role=cryptoracle_reader' });
    await client.connect();
    const now = Date.now();
    view = {
      from: new Date(now - 7 * day),
      to: new Date(now),
      interval: 600,
      variables: {},
    };
  }, 120_000);
  afterAll(() => client.end());

  const variablesOf = (dashboard: (typeof dashboards)[number]) =>
    Object.fromEntries(dashboard.templating.list.map(({ name, current }) => [name, [current.value].flat()]));

  it.each(dashboards)('every variable of $name offers what it is set to', async (dashboard) => {
    for (const { name, type, query, current } of dashboard.templating.list) {
      const offered =
        type === 'custom'
          ? query.split(',')
          : (await client.query(expand(query, view))).rows.map((row: Record<string, unknown>) => row.__value);
      for (const value of [current.value].flat()) expect(offered, name).toContain(value);
    }
  });

  it.each(dashboards)('every panel of $name has something to show', async (dashboard) => {
    const variables = variablesOf(dashboard);
    for (const { title, targets } of dashboard.panels) {
      for (const { rawSql, format } of targets) {
        const { rows, fields } = await client.query(expand(rawSql, { ...view, variables }));
        expect(rows.length, title).toBeGreaterThan(0);
        if (format !== 'time_series') continue;
        const names = fields.map(({ name }) => name);
        expect(names[0], title).toBe('time');
        const times = rows.map(({ time }) => Number(time));
        expect(times, title).toEqual(times.toSorted((a, b) => a - b));
        const values = names.filter((name) => !['time', 'metric'].includes(name));
        expect(
          values.filter((name) =>
            rows.some((row) => typeof row[name] === 'number' || Number(row[name]) >= 0),
          ),
          title,
        ).toEqual(values);
      }
    }
  });

  it('the lines of a token break where a window has no row', async () => {
    const hole = Math.floor(view.to.getTime() / hour) * hour - 2 * day;
    await database.pool.query("delete from cryptoracle.metrics_1h where token = 'BTC' and time = $1", [
      new Date(hole),
    ]);
    const dashboard = dashboards.find(({ uid }) => uid === 'cryptoracle-token');
    const panels = dashboard?.panels.filter(({ type }) => type === 'timeseries') ?? [];
    expect(panels).toHaveLength(metrics.length + 1);
    const variables = { granularity: ['1h'], token: ['BTC'] };
    // What the version that filled the database does not have is a line without any value.
    const missing = metrics.filter(({ versions }) => !versions.includes('v1')).map(({ column }) => column);
    for (const { title, targets } of panels.filter((panel) => !missing.includes(panel.title))) {
      const { rows } = await client.query(expand(targets[0]?.rawSql ?? '', { ...view, variables }));
      const breaks = rows.filter((row: Record<string, unknown>) => Object.values(row)[1] === null);
      expect(
        breaks.map(({ time }) => Number(time)),
        title,
      ).toEqual([hole]);
    }
  });

  it('no line of several tokens, or of all of them, goes across a missing window', async () => {
    // One that is missing for a token, one for all.
    const newest = Math.floor(view.to.getTime() / hour) * hour;
    const [ofBtc, ofAll] = [newest - 3 * day, newest - 4 * day];
    await database.pool.query(
      `delete from cryptoracle.metrics_1h where (token = 'BTC' and time = $1) or time = $2`,
      [new Date(ofBtc), new Date(ofAll)],
    );
    const breaksOf = async (uid: string, title: string, metric: string) => {
      const panel = dashboards.find((each) => each.uid === uid)?.panels.find((each) => each.title === title);
      const variables = { granularity: ['1h'], tokens: ['BTC', 'ETH'], metric: [metric] };
      // In the first minutes of an hour some tokens do not have the hour before yet.
      const inView = { ...view, to: new Date(newest - 2 * hour), variables };
      const { rows } = await client.query(expand(panel?.targets[0]?.rawSql ?? '', inView));
      const breaks = rows.filter((row: Record<string, unknown>) => Object.values(row).at(-1) === null);
      return breaks.map((row) => `${row.metric ?? 'all'} ${Number(row.time)}`).toSorted();
    };
    // The test before this one has taken a window, too.
    const earlier = newest - 2 * day;
    const ofTokens = [`BTC ${ofAll}`, `BTC ${ofBtc}`, `BTC ${earlier}`, `ETH ${ofAll}`];
    for (const metric of ['mention_count', 'net_sentiment']) {
      expect(await breaksOf('cryptoracle-compare', '$metric', metric)).toEqual(ofTokens);
      expect(await breaksOf('cryptoracle-compare', '$metric against its mean', metric)).toEqual(ofTokens);
    }
    // One of eight tokens is more than a tenth of them.
    const ofMarket = [`all ${ofAll}`, `all ${ofBtc}`, `all ${earlier}`];
    for (const title of ['Mentions of all tokens', 'Mood of the market']) {
      expect(await breaksOf('cryptoracle-market', title, ''), title).toEqual(ofMarket);
    }
  });

  it('a metric against its mean is in standard deviations, whatever its sign, and nothing where it stands still', async () => {
    const panel = dashboards
      .find(({ uid }) => uid === 'cryptoracle-compare')
      ?.panels.find(({ title }) => title === '$metric against its mean');
    const from = Date.parse('2024-03-01T00:00:00Z');
    const values = [-0.02, 0.01, -0.01, 0.03, 0, -0.03, 0.02, -0.01, 0.01, 0, -0.01];
    await database.pool.query(
      `insert into cryptoracle.metrics_1h ("time", token, net_sentiment, first_seen_at, updated_at)
       select $1::timestamptz + n * interval '1 hour', token, case token when 'AAVE' then value else 0.1 end, now(), now()
       from unnest($2::float8[]) with ordinality as t (value, n), unnest('{AAVE,FLAT}'::text[]) as token`,
      [new Date(from), values],
    );
    const inView = { ...view, from: new Date(from), to: new Date(from + day) };
    const variables = { granularity: ['1h'], tokens: ['AAVE', 'FLAT'], metric: ['net_sentiment'] };
    const { rows } = await client.query(expand(panel?.targets[0]?.rawSql ?? '', { ...inView, variables }));
    const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
    const squares = values.reduce((sum, each) => sum + (each - mean) ** 2, 0);
    const deviation = Math.sqrt(squares / (values.length - 1));
    const found = (token: string) => rows.filter(({ metric }) => metric === token).map(({ value }) => value);
    for (const [n, value] of found('AAVE').entries()) {
      expect(value).toBeCloseTo(((values[n] ?? Number.NaN) - mean) / deviation, 9);
    }
    expect(found('AAVE')).toHaveLength(values.length);
    expect(new Set(found('FLAT'))).toEqual(new Set([null]));
  });

  it('what is counted by stretches of time is drawn as bars or points, not as if something lay between', () => {
    const files = JSON.parse(read('dashboards/cryptoracle-health.json')) as {
      panels: {
        title: string;
        type: string;
        fieldConfig: { defaults: { custom?: { drawStyle: string } } };
      }[];
    };
    const styles = files.panels
      .filter(({ type }) => type === 'timeseries')
      .map(({ title, fieldConfig }) => [title, fieldConfig.defaults.custom?.drawStyle]);
    expect(Object.fromEntries(styles)).toEqual({
      'Answered of each day': 'line',
      'Calls by outcome': 'bars',
      'Time to answer': 'points',
    });
  });

  it.each(granularities)(
    'every panel runs in %s, for a quoted name and an empty range',
    async (granularity) => {
      for (const dashboard of dashboards) {
        const variables = {
          ...variablesOf(dashboard),
          granularity: [granularity],
          token: ["O'NEIL"],
          tokens: ["O'NEIL"],
        };
        const from = new Date(view.to.getTime() - hour);
        for (const { targets } of dashboard.panels) {
          for (const { rawSql } of targets) await client.query(expand(rawSql, { ...view, from, variables }));
        }
      }
    },
  );

  it.each(rules)(
    'the rule "$title" gives one number for each label, zero where all is well',
    async ({ uid, data }) => {
      const sql = data.find(({ refId }) => refId === 'A')?.model.rawSql ?? '';
      const { rows } = await client.query(expand(sql, view));
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) {
        const numbers = Object.entries(row).filter(([name]) => name !== 'granularity');
        expect(numbers).toHaveLength(1);
        const value = Number(numbers[0]?.[1]);
        // The test's data have something in quarantine.
        expect(value, uid).toBe(uid === 'cryptoracle-quarantine' ? 1 : 0);
      }
    },
  );
});
