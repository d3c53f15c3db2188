/** The few parts of Grafana's own format that the dashboards use, and short ways to write them. */

export const datasource = { type: 'grafana-postgresql-datasource', uid: 'cryptoracle' } as const;

export type Format = 'time_series' | 'table';

export interface Query {
  readonly refId: string;
  readonly rawSql: string;
  readonly format: Format;
}

export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly type: 'timeseries' | 'table' | 'stat' | 'barchart';
  readonly queries: readonly Query[];
  /** Of Grafana's 24 columns. */
  readonly width: number;
  readonly height: number;
  readonly unit?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** How a series is drawn: as a line, which says that there is something between its points, unless told otherwise. */
  readonly drawn?: 'bars' | 'points';
  /** Of a stat: anything above zero is wrong, and shows red. */
  readonly alarm?: boolean;
  /** Columns of a table that show as percent. */
  readonly percent?: readonly string[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly multi: boolean;
  /** What it is before anybody chooses. */
  readonly current: readonly string[];
  /** Gives `__value` and `__text`; where there is none the values are fixed. */
  readonly sql?: string;
  readonly values?: readonly string[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly variables: readonly Variable[];
  readonly panels: readonly Panel[];
}

export function series(...sql: readonly string[]): readonly Query[] {
  return sql.map((rawSql, position) => ({ refId: refId(position), rawSql, format: 'time_series' }));
}

export function table(sql: string): readonly Query[] {
  return [{ refId: 'A', rawSql: sql, format: 'table' }];
}

/**
 * Lines that break where a window is missing: a NULL stands at the end of the window before.
 * @param shown a query for `time`, `ends` (the end of the window), `value` and, where there are several lines, `metric`
 * @param value what the line is called where there is one
 */
export function brokenAtGaps(shown: string, value?: string): string {
  const name = value ?? 'value';
  const metric = value === undefined ? 'metric, ' : '';
  const line = value === undefined ? 'partition by metric ' : '';
  return `with shown as (
${shown.replaceAll(/^/gm, '  ')}
)
select time, ${metric}value as ${name}
from shown
union all
select ends, ${metric}null
from (select ends, ${metric}lead(time) over (${line}order by time) as next from shown) as neighbours
where next > ends
order by 1`;
}

const refId = (position: number) => String.fromCharCode('A'.charCodeAt(0) + position);

/** The dashboard in Grafana's format: panels flow from left to right and wrap. */
export function toGrafana(dashboard: Dashboard): object {
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  const panels = dashboard.panels.map((panel, position) => {
    if (x + panel.width > 24) {
      x = 0;
      y += rowHeight;
      rowHeight = 0;
    }
    const gridPos = { x, y, w: panel.width, h: panel.height };
    x += panel.width;
    rowHeight = Math.max(rowHeight, panel.height);
    return panelToGrafana(panel, position + 1, gridPos);
  });
  return {
    uid: dashboard.uid,
    title: dashboard.title,
    description: dashboard.description,
    tags: ['cryptoracle'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '1m',
    timezone: 'browser',
    time: { from: dashboard.from, to: 'now' },
    templating: { list: dashboard.variables.map(variableToGrafana) },
    panels,
  };
}

function panelToGrafana(panel: Panel, id: number, gridPos: object): object {
  const { title, description, type, unit, minimum, maximum, alarm, drawn } = panel;
  return {
    id,
    title,
    description,
    type,
    datasource,
    gridPos,
    fieldConfig: {
      defaults: {
        ...(unit === undefined ? {} : { unit }),
        ...(minimum === undefined ? {} : { min: minimum }),
        ...(maximum === undefined ? {} : { max: maximum }),
        // A missing value is not zero and not the one before: the line breaks at a NULL.
        ...(type === 'timeseries' ? { custom: { spanNulls: false, ...drawing(drawn) } } : {}),
        // Grafana's own thresholds would call everything below 80 green.
        ...(type === 'stat' ? (alarm === true ? redAboveZero : plainText) : {}),
      },
      overrides: (panel.percent ?? []).map((name) => ({
        matcher: { id: 'byName', options: name },
        properties: [{ id: 'unit', value: 'percentunit' }],
      })),
    },
    options: type === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'], values: true } } : {},
    targets: panel.queries.map((query) => ({ ...query, datasource, rawQuery: true, editorMode: 'code' })),
  };
}

function drawing(drawn: Panel['drawn']): object {
  switch (drawn) {
    case 'bars':
      return { drawStyle: 'bars', fillOpacity: 80, stacking: { mode: 'normal', group: 'A' } };
    case 'points':
      return { drawStyle: 'points', pointSize: 5 };
    case undefined:
      return { drawStyle: 'line' };
  }
}

const redAboveZero = {
  thresholds: {
    mode: 'absolute',
    steps: [
      { color: 'green', value: null },
      { color: 'red', value: 1 },
    ],
  },
};

const plainText = { color: { mode: 'fixed', fixedColor: 'text' } };

function variableToGrafana({ name, label, multi, current, sql, values }: Variable): object {
  const chosen = multi ? current : current[0];
  return {
    name,
    label,
    multi,
    includeAll: false,
    current: { text: chosen, value: chosen },
    ...(sql === undefined
      ? {
          type: 'custom',
          query: (values ?? []).join(','),
          options: (values ?? []).map((value) => ({ text: value, value, selected: current.includes(value) })),
        }
      : { type: 'query', datasource, query: sql, refresh: 1, sort: 0 }),
  };
}
