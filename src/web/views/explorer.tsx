import { useMemo } from 'preact/hooks';
import type { Catalogue, Movers, Quarantine, Revisions, Values, Zscores } from '../../server/api/types.ts';
import { change, place } from '../address.ts';
import { address } from '../api.ts';
import { beijingDate, beijingMidnight, count, decimal, inBeijing, signed } from '../format.ts';
import { Chart, type Mark } from '../parts/chart.tsx';
import { Field, Problem, Select, Table, Time, useAsked } from '../parts/parts.tsx';
import { finalColumn, inColumns } from '../parts/series.ts';

/** Values of some tokens over time, and what stands out among all. */

const day = 86_400_000;
const mostTokens = 10;
const mostRows = 20_000;
const rowsInTable = 100;

const granularities = [
  ['15m', '15m'],
  ['1h', '1h'],
  ['4h', '4h'],
  ['1d', '1d'],
] as const;

const listOf = (name: string, otherwise: string) =>
  (place.value.query.get(name) ?? otherwise).split(',').filter((item) => item !== '');

export function Explorer() {
  const { query } = place.value;
  const catalogue = useAsked<Catalogue>('/catalogue');
  const granularity = query.get('granularity') ?? '1h';
  const tokens = listOf('token', 'BTC,ETH');
  const metrics = listOf('metric', 'net_sentiment,mention_count');
  const from = query.get('from') ?? beijingDate(Date.now() - 7 * day);
  const to = query.get('to') ?? beijingDate(Date.now() + day);
  const asOf = query.get('asOf') ?? '';
  const question = {
    granularity,
    token: tokens.join(','),
    metric: metrics.join(','),
    from: beijingMidnight(from),
    to: beijingMidnight(to),
    asOf: asOf === '' ? undefined : `${asOf}:00+08:00`,
    final: true,
    limit: mostRows,
  };
  const isAskable = tokens.length > 0 && metrics.length > 0;
  const values = useAsked<Values>(isAskable ? '/values' : undefined, question, asOf === '');
  return (
    <>
      <div class="controls">
        <Select
          label="Granularity"
          value={granularity}
          options={granularities}
          onChange={(value) => change({ granularity: value }, 'push')}
        />
        <Field
          label="From (Beijing)"
          type="date"
          value={from}
          onChange={(value) => change({ from: value }, 'push')}
        />
        <Field
          label="To, not included"
          type="date"
          value={to}
          onChange={(value) => change({ to: value }, 'push')}
        />
        <Field
          label="As known at (Beijing)"
          type="datetime-local"
          value={asOf}
          onChange={(value) => change({ asOf: value }, 'push')}
        />
        <Select
          label="Scale"
          value={query.get('scale') ?? ''}
          options={[
            ['', 'plain'],
            ['log', 'logarithmic'],
            ['index', 'index, first = 100'],
          ]}
          onChange={(scale) => change({ scale })}
        />
      </div>
      <Choice
        label="Token"
        chosen={tokens}
        most={mostTokens}
        options={catalogue.data?.tokens.map(({ token, name }) => [token, name] as const) ?? []}
        onChange={(token) => change({ token: token.join(',') }, 'push')}
      />
      <Choice
        label="Metric"
        chosen={metrics}
        most={8}
        options={catalogue.data?.metrics.map(({ column, meaning }) => [column, meaning] as const) ?? []}
        onChange={(metric) => change({ metric: metric.join(',') }, 'push')}
      />
      <Problem text={values.problem} />
      {values.data !== undefined && (
        <Shown
          values={values.data}
          metrics={metrics}
          tokens={tokens}
          question={question}
          catalogue={catalogue.data}
        />
      )}
      <StandingOut granularity={granularity} />
    </>
  );
}

function Choice(props: {
  label: string;
  chosen: readonly string[];
  most: number;
  options: readonly (readonly [value: string, meaning: string])[];
  onChange: (chosen: readonly string[]) => void;
}) {
  const { label, chosen, most, options } = props;
  const add = (value: string) => {
    if (options.some(([option]) => option === value) && !chosen.includes(value))
      props.onChange([...chosen, value].slice(-most));
  };
  return (
    <div class="controls">
      <label>
        Add {label.toLowerCase()} (up to {most})
        <select
          value=""
          disabled={chosen.length >= most}
          onChange={({ currentTarget }) => add(currentTarget.value)}
        >
          <option value="">choose …</option>
          {options
            .filter(([value]) => !chosen.includes(value))
            .map(([value, meaning]) => (
              <option key={value} value={value} title={meaning}>
                {value}
              </option>
            ))}
        </select>
      </label>
      <div class="chips">
        {chosen.map((value) => (
          <button
            key={value}
            type="button"
            aria-label={`Remove ${value}`}
            onClick={() => props.onChange(chosen.filter((each) => each !== value))}
          >
            {value} ×
          </button>
        ))}
      </div>
    </div>
  );
}

type Question = Readonly<Record<string, string | number | boolean | undefined>>;

function Shown(props: {
  values: Values;
  metrics: readonly string[];
  tokens: readonly string[];
  question: Question;
  catalogue: Catalogue | undefined;
}) {
  const { values, metrics, tokens, question, catalogue } = props;
  const scale = place.value.query.get('scale') ?? '';
  const single = tokens.length === 1 ? tokens[0] : undefined;
  const range = {
    granularity: question.granularity,
    from: question.from,
    to: question.to,
    token: single,
    limit: 500,
  };
  const revisions = useAsked<Revisions>('/revisions', range);
  const quarantine = useAsked<Quarantine>('/quarantine', range);
  const charts = useMemo(() => inColumns(values, tokens, scale === 'index'), [values, scale, tokens.join()]);
  const unitOf = (column: string) =>
    catalogue?.metrics.find((metric) => metric.column === column)?.unit ?? '';
  const codeOf = (column: string) => catalogue?.metrics.find((metric) => metric.column === column)?.code;
  const marksOf = (column: string): Mark[] => [
    ...(revisions.data?.items ?? [])
      .filter(({ metric, token }) => metric === codeOf(column) && tokens.includes(token))
      .map(({ time }) => ({ time: Date.parse(time), kind: 'revised' as const })),
    ...(quarantine.data?.items ?? [])
      .filter(
        ({ metric, token, time }) =>
          time !== null &&
          (metric === null || metric === codeOf(column)) &&
          (token === null || tokens.includes(token)),
      )
      .map(({ time }) => ({ time: Date.parse(time ?? ''), kind: 'quarantined' as const })),
  ];
  if (values.rows.length === 0)
    return <p class="empty">There are no values of these tokens in this range.</p>;
  const newestFirst = values.rows.slice(-rowsInTable).reverse();
  return (
    <>
      <div class="charts">
        {metrics.map((metric) => {
          const series = charts.series.get(metric);
          return series === undefined ? null : (
            <Chart
              key={metric}
              title={metric}
              unit={
                scale === 'index' ? 'first value = 100' : unitOf(metric) === '1' ? 'no unit' : unitOf(metric)
              }
              times={charts.times}
              series={series}
              marks={marksOf(metric)}
              scale={scale === 'log' ? 'log' : 'linear'}
            />
          );
        })}
      </div>
      <p class="soft small">
        A line breaks where a value is missing. Orange marks: a value that changed later; violet: something in
        quarantine.
        {values.next !== null && ` Only the first ${count(mostRows)} rows are shown.`}
      </p>
      <section class="card" aria-label="Table">
        <div class="head">
          <h2>Values, newest first</h2>
          <a href={address('/values.csv', question)} download="cryptoracle.csv">
            CSV
          </a>
        </div>
        <div style={{ maxHeight: '22rem', overflow: 'auto' }}>
          <Table
            isGrid
            caption="Values"
            rows={newestFirst}
            columns={values.columns.map((name, index) => ({
              name: name === 'time' ? 'window from (Beijing)' : name === finalColumn ? 'final' : name,
              isNumber: index > 1 && name !== finalColumn,
              show: (row: Values['rows'][number]) => {
                const cell = row[index] ?? null;
                if (index === 0) return inBeijing(String(cell));
                if (typeof cell === 'boolean') return cell ? 'yes' : 'may change';
                return typeof cell === 'string' ? cell : decimal(cell);
              },
            }))}
          />
        </div>
        <details>
          <summary>The SQL of what is shown</summary>
          <pre>{values.sql}</pre>
        </details>
      </section>
    </>
  );
}

function StandingOut({ granularity }: { granularity: string }) {
  const movers = useAsked<Movers>('/movers', { granularity, limit: 12 }, true);
  const zscores = useAsked<Zscores>('/zscores', { granularity, limit: 12 }, true);
  const largest = Math.max(
    1,
    ...(movers.data?.items ?? []).map(({ mentionChange }) => Math.abs(mentionChange ?? 0)),
  );
  const pick = (token: string) => change({ token }, 'push');
  return (
    <>
      <section class="card" aria-label="Movers">
        <h2>Mentions against 24 hours before ({granularity})</h2>
        <Problem text={movers.problem} />
        {movers.data?.items.length === 0 && <p class="empty">Nothing to compare yet.</p>}
        <div class="multiples">
          {movers.data?.items.map(({ token, mentions, mentionChange, time }) => (
            <Multiple
              key={token}
              token={token}
              onPick={pick}
              share={(mentionChange ?? 0) / largest}
              value={mentionChange === null ? 'new' : signed(mentionChange)}
            >
              {decimal(mentions)} mentions, <Time at={time} />
            </Multiple>
          ))}
        </div>
      </section>
      <section class="card" aria-label="Unusual sentiment">
        <h2>Net sentiment against the token’s own 30 days ({granularity})</h2>
        <Problem text={zscores.problem} />
        {zscores.data?.items.length === 0 && <p class="empty">Nothing to compare yet.</p>}
        <div class="multiples">
          {zscores.data?.items.map(({ token, zscore, sentiment, windows }) => (
            <Multiple
              key={token}
              token={token}
              onPick={pick}
              share={(zscore ?? 0) / 4}
              value={zscore === null ? 'too few windows' : `${signed(zscore, 1)} σ`}
            >
              {decimal(sentiment)} now, {count(windows)} windows
            </Multiple>
          ))}
        </div>
      </section>
    </>
  );
}

/** One token's change as a bar to the left or right of the middle. */
function Multiple(props: {
  token: string;
  value: string;
  share: number;
  children: preact.ComponentChildren;
  onPick: (token: string) => void;
}) {
  const share = Math.max(-1, Math.min(1, props.share));
  const bar =
    share >= 0 ? { left: '50%', width: `${share * 50}%` } : { right: '50%', width: `${-share * 50}%` };
  return (
    <button type="button" class="multiple" onClick={() => props.onPick(props.token)}>
      <strong>{props.token}</strong> <span class={`value ${share >= 0 ? 'up' : 'down'}`}>{props.value}</span>
      <span class="soft small" style={{ display: 'block' }}>
        {props.children}
      </span>
      <span class={`meter ${share >= 0 ? 'up' : 'down'}`} style={{ display: 'block' }}>
        <i style={bar} />
      </span>
    </button>
  );
}
