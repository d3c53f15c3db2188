import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { files } from './generate/files.ts';
import { datasource } from './generate/model.ts';

/**
 * Asks a running Grafana whether all that is provisioned came to it, by its HTTP API ("HTTP API reference"): the datasource
 * answers, every panel's queries give frames, and every alert rule was evaluated and has somebody to tell.
 */

const dashboardSchema = z.object({
  uid: z.string(),
  time: z.object({ from: z.string(), to: z.string() }),
  templating: z.object({
    list: z.array(
      z.object({
        name: z.string(),
        query: z.string().optional(),
        type: z.string(),
        current: z.object({ value: z.union([z.string(), z.array(z.string())]) }),
      }),
    ),
  }),
  panels: z.array(
    z.object({
      title: z.string(),
      targets: z.array(z.object({ refId: z.string(), rawSql: z.string(), format: z.string() })),
    }),
  ),
});

type DashboardFile = z.infer<typeof dashboardSchema>;

const answerSchema = z.object({
  results: z.record(
    z.string(),
    z.object({ error: z.string().optional(), frames: z.array(z.unknown()).optional() }),
  ),
});

const rulesSchema = z.object({
  data: z.object({
    groups: z.array(
      z.object({
        rules: z.array(z.object({ name: z.string(), health: z.string(), lastError: z.string().optional() })),
      }),
    ),
  }),
});

const provisionedRules = z.array(
  z.object({ uid: z.string(), notification_settings: z.object({ receiver: z.string() }).nullish() }),
);

/** What Grafana says of a rule that was evaluated; one whose question has no rows is well, too. */
const evaluated: readonly string[] = ['ok', 'nodata'];

/** How long Grafana may take to start, and to evaluate all rules once. */
const patience = 300_000;

/** A Grafana that is asked as its administrator. */
class Grafana {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, password: string) {
    this.#url = url.replace(/\/$/, '');
    const login = Buffer.from(`admin:${password}`).toString('base64');
    this.#headers = { Authorization: `Basic ${login}`, 'Content-Type': 'application/json' };
  }

  /** @throws Error where it does not answer, or not with JSON */
  async ask(path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}/api${path}`, {
      headers: this.#headers,
      signal: AbortSignal.timeout(30_000),
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // A query that fails answers with 4xx or 5xx, and says why in its result.
    if (!response.ok && !text.includes('"results"'))
      throw new Error(`${path}: HTTP ${response.status} ${text}`);
    return JSON.parse(text);
  }
}

/** Repeats a question until it is answered well. @returns the last answer, or the last problem */
async function until<T>(
  question: () => Promise<T>,
  isWell: (answer: T) => boolean,
  wait: number,
): Promise<T> {
  const deadline = Date.now() + wait;
  for (;;) {
    const isLast = Date.now() >= deadline;
    try {
      const answer = await question();
      if (isWell(answer) || isLast) return answer;
    } catch (error) {
      if (isLast) throw error;
    }
    await sleep(Math.min(2000, wait));
  }
}

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Puts in what the page in the browser would: the variables as they are before anybody chooses. */
function withVariables(sql: string, { templating }: DashboardFile): string {
  return sql.replaceAll(/\$\{(\w+):sqlstring\}/g, (_, name: string) => {
    const value = templating.list.find((variable) => variable.name === name)?.current.value;
    if (value === undefined) throw new Error(`no variable ${name}`);
    return [value].flat().map(quote).join(',');
  });
}

async function problemsOfQueries(grafana: Grafana, dashboard: DashboardFile): Promise<string[]> {
  const { uid, time, templating, panels } = dashboard;
  const lists = templating.list
    .filter(({ type, query }) => type === 'query' && query !== undefined)
    .map(({ name, query = '' }) => ({
      title: `variable ${name}`,
      targets: [{ refId: 'A', rawSql: query, format: 'table' }],
    }));
  const problems: string[] = [];
  for (const { title, targets } of [...lists, ...panels]) {
    const queries = targets.map((target) => ({
      ...{ ...target, datasource, rawQuery: true, intervalMs: 3_600_000, maxDataPoints: 500 },
      rawSql: withVariables(target.rawSql, dashboard),
    }));
    const { results } = answerSchema.parse(await grafana.ask('/ds/query', { queries, ...time }));
    for (const { refId } of targets) {
      const result = results[refId];
      const problem = result?.error ?? (result?.frames?.length ? undefined : 'no answer');
      if (problem !== undefined) problems.push(`${uid}, ${title}, ${refId}: ${problem}`);
    }
  }
  return problems;
}

async function problemsOfRules(grafana: Grafana, wait: number): Promise<string[]> {
  const expected = z
    .object({
      groups: z.array(z.object({ rules: z.array(z.object({ uid: z.string(), title: z.string() })) })),
    })
    .parse(JSON.parse(files.get('provisioning/alerting/rules.json') ?? '{}'))
    .groups.flatMap(({ rules }) => rules);
  const found = provisionedRules.parse(await grafana.ask('/v1/provisioning/alert-rules'));
  const points = z
    .array(z.object({ name: z.string() }))
    .parse(await grafana.ask('/v1/provisioning/contact-points'))
    .map(({ name }) => name);
  const problems = expected.flatMap(({ uid }) => {
    const rule = found.find((each) => each.uid === uid);
    if (rule === undefined) return [`alert ${uid}: Grafana does not have it`];
    const receiver = rule.notification_settings?.receiver;
    return receiver !== undefined && points.includes(receiver) ? [] : [`alert ${uid}: nobody is told`];
  });
  const states = async () =>
    rulesSchema
      .parse(await grafana.ask('/prometheus/grafana/api/v1/rules'))
      .data.groups.flatMap(({ rules }) => rules);
  const isWell = (rules: Awaited<ReturnType<typeof states>>) =>
    expected.every(({ title }) =>
      rules.some(({ name, health }) => name === title && evaluated.includes(health)),
    );
  const last = await until(states, isWell, wait);
  for (const { title } of expected) {
    const state = last.find(({ name }) => name === title);
    if (!evaluated.includes(state?.health ?? ''))
      problems.push(`alert ${title}: ${state?.lastError || state?.health || 'never evaluated'}`);
  }
  return problems;
}

/**
 * What is wrong with a Grafana, a line each; nothing where all is well.
 * @param wait milliseconds that it may take to start and to evaluate its rules
 */
export async function checkGrafana(url: string, password: string, wait = patience): Promise<string[]> {
  const grafana = new Grafana(url, password);
  const health = z.object({ status: z.string(), message: z.string().optional() });
  const { status, message = '' } = await until(
    async () => health.parse(await grafana.ask(`/datasources/uid/${datasource.uid}/health`)),
    (answer) => answer.status === 'OK',
    wait,
  );
  const problems = status === 'OK' ? [] : [`datasource: ${message || status}`];
  for (const [path, text] of files) {
    if (!path.startsWith('dashboards/')) continue;
    const dashboard = dashboardSchema.parse(JSON.parse(text));
    const provisioned = await grafana
      .ask(`/dashboards/uid/${dashboard.uid}`)
      .catch((error: unknown) => error);
    if (provisioned instanceof Error)
      problems.push(`${dashboard.uid}: Grafana does not have it (${provisioned.message})`);
    problems.push(...(await problemsOfQueries(grafana, dashboard)));
  }
  return [...problems, ...(await problemsOfRules(grafana, wait))];
}
