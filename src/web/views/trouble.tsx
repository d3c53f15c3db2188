import { useState } from 'preact/hooks';
import type { Failures, Notes, Quarantine, Refusals, Requests, Revisions } from '../../server/api/types.ts';
import { change, place } from '../address.ts';
import { mayWrite, Refusal, write } from '../api.ts';
import { count, decimal, purpose } from '../format.ts';
import { type Column, Field, Paged, Problem, Select, Table, Time, useAsked } from '../parts/parts.tsx';

/** What went wrong, and what may be wrong. */

const lists = {
  failures: ['Failures', FailureList],
  calls: ['Calls', CallList],
  quarantine: ['Quarantine', QuarantineList],
  notes: ['Doubtful values', NoteList],
  revisions: ['Changed values', RevisionList],
} as const;

type ListName = keyof typeof lists;

export function Trouble() {
  const asked = place.value.query.get('list') ?? '';
  const shown: ListName = asked in lists ? (asked as ListName) : 'failures';
  const [, Show] = lists[shown];
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Lists">
        {Object.entries(lists).map(([key, [name]]) => (
          <button
            key={key}
            type="button"
            role="tab"
            aria-selected={key === shown}
            onClick={() => change({ list: key, outcome: '', reason: '' }, 'push')}
          >
            {name}
          </button>
        ))}
      </div>
      <section class="card" aria-label={lists[shown][0]}>
        <Show />
      </section>
    </>
  );
}

const filter = (name: string) => place.value.query.get(name) ?? '';

const granularities = [
  ['', 'all'],
  ['15m', '15m'],
  ['1h', '1h'],
  ['4h', '4h'],
  ['1d', '1d'],
] as const;

function Filters({ children }: { children?: preact.ComponentChildren }) {
  return (
    <div class="controls">
      <Select
        label="Granularity"
        value={filter('granularity')}
        options={granularities}
        onChange={(granularity) => change({ granularity })}
      />
      <Field
        label="Token"
        value={filter('token')}
        placeholder="all"
        onChange={(token) => change({ token: token.toUpperCase() })}
      />
      {children}
    </div>
  );
}

const common = () => ({ granularity: filter('granularity'), token: filter('token') });

function FailureList() {
  const failures = useAsked<Failures>('/failures', {}, true);
  const refusals = useAsked<Refusals>('/refusals', {}, true);
  return (
    <>
      <h2>Failed calls of the last 24 hours, by kind</h2>
      <Problem text={failures.problem} />
      {failures.data?.items.length === 0 && <p class="empty">No call has failed.</p>}
      {failures.data !== undefined && failures.data.items.length > 0 && (
        <Table
          caption="Failed calls by kind"
          rows={failures.data.items}
          columns={[
            {
              name: 'What happened',
              show: ({ outcome, code }) => `${outcome}${code === null ? '' : ` (${code})`}`,
            },
            { name: 'Calls', isNumber: true, show: ({ calls }) => count(calls) },
            { name: 'First', show: ({ first }) => <Time at={first} /> },
            { name: 'Last', show: ({ last }) => <Time at={last} /> },
            { name: 'The last one said', isWide: true, show: ({ message }) => message ?? '–' },
          ]}
        />
      )}
      <h2>Not in the subscription</h2>
      {refusals.data?.items.length === 0 && <p class="empty">The API has refused no metric and no tag.</p>}
      {refusals.data !== undefined && refusals.data.items.length > 0 && (
        <Table
          caption="Metrics and tags that the API refuses"
          rows={refusals.data.items}
          columns={[
            { name: 'Code', show: ({ code }) => code },
            { name: 'Name', show: ({ name }) => name ?? '–' },
            { name: 'Since', show: ({ since }) => <Time at={since} /> },
            { name: 'Last asked', show: ({ last }) => <Time at={last} /> },
          ]}
        />
      )}
    </>
  );
}

const outcomes = [
  ['', 'all'],
  ['failed', 'failed'],
  ['answered', 'answered'],
] as const;

const few = (names: readonly string[], most: number) =>
  names.length <= most
    ? names.join(', ') || '–'
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

function CallList() {
  const columns: Column<Requests['items'][number]>[] = [
    { name: 'Sent', show: ({ at }) => <Time at={at} /> },
    { name: 'For', show: ({ lane }) => purpose(lane) },
    {
      name: 'Windows',
      show: ({ granularity, from }) =>
        from === null ? (
          '–'
        ) : (
          <>
            {granularity} from <Time at={from} />
          </>
        ),
    },
    { name: 'Tokens', show: ({ tokens }) => <span title={tokens.join(', ')}>{few(tokens, 2)}</span> },
    {
      name: 'Metrics',
      isNumber: true,
      show: ({ metrics }) => <span title={metrics.join(', ')}>{metrics.length}</span>,
    },
    {
      name: 'Outcome',
      show: ({ outcome, code }) => (
        <span class={`tag ${outcome === 'answered' ? 'good' : 'bad'}`}>
          {outcome}
          {code !== null && code !== 200 && ` ${code}`}
        </span>
      ),
    },
    { name: 'Values', isNumber: true, show: ({ records }) => count(records) },
    { name: 'Took', isNumber: true, show: ({ milliseconds }) => `${count(milliseconds)} ms` },
    { name: 'Message', isWide: true, show: ({ message }) => message ?? '' },
  ];
  return (
    <>
      <Filters>
        <Select
          label="Outcome"
          value={filter('outcome')}
          options={outcomes}
          onChange={(outcome) => change({ outcome })}
        />
      </Filters>
      <Paged
        path="/requests"
        query={{ ...common(), outcome: filter('outcome') }}
        columns={columns}
        caption="Calls of the API"
        empty="No call matches."
      />
    </>
  );
}

function QuarantineList() {
  const [message, setMessage] = useState<{ text: string; isGood: boolean }>();
  const [turn, setTurn] = useState(0);
  const choice = Object.fromEntries(
    Object.entries({ ...common(), reason: filter('reason') }).filter(([, value]) => value !== ''),
  );
  const act = async (what: 'replay' | 'dismiss') => {
    try {
      const result = await write<Record<string, number>>(`/quarantine/${what}`, choice);
      const text =
        what === 'replay'
          ? `${count(result.replayed ?? 0)} stored, ${count(result.superseded ?? 0)} superseded, ${count(result.left ?? 0)} still cannot be stored.`
          : `${count(result.dismissed ?? 0)} taken off the list.`;
      setMessage({ text, isGood: true });
      setTurn(turn + 1);
    } catch (error) {
      setMessage({ text: error instanceof Refusal ? error.message : String(error), isGood: false });
    }
  };
  const columns: Column<Quarantine['items'][number]>[] = [
    { name: 'Last seen', show: ({ lastSeenAt }) => <Time at={lastSeenAt} /> },
    {
      name: 'Window',
      show: ({ granularity, time }) => (
        <>
          {granularity} {time !== null && <Time at={time} />}
        </>
      ),
    },
    { name: 'Token', show: ({ token }) => token ?? '–' },
    { name: 'Metric', show: ({ metric }) => metric ?? '–' },
    { name: 'Why', show: ({ reason }) => reason },
    { name: 'Times', isNumber: true, show: ({ timesSeen }) => count(timesSeen) },
    { name: 'As sent', isWide: true, show: ({ raw }) => <code>{raw}</code> },
  ];
  return (
    <>
      <Filters>
        <Field
          label="Reason"
          value={filter('reason')}
          placeholder="all"
          onChange={(reason) => change({ reason })}
        />
        {mayWrite() && (
          <>
            <button type="button" onClick={() => void act('replay')}>
              Read again
            </button>
            <button
              type="button"
              disabled={Object.keys(choice).length === 0}
              title="Choose a filter first"
              onClick={() => void act('dismiss')}
            >
              Dismiss what is listed
            </button>
          </>
        )}
      </Filters>
      {message !== undefined && (
        <p class={`message ${message.isGood ? 'good' : ''}`} role="status">
          {message.text}
        </p>
      )}
      <Paged
        key={turn}
        path="/quarantine"
        query={choice}
        columns={columns}
        caption="What the API sent and could not be stored"
        empty="Nothing is in quarantine."
      />
    </>
  );
}

function NoteList() {
  const columns: Column<Notes['items'][number]>[] = [
    {
      name: 'Window',
      show: ({ granularity, time }) => (
        <>
          {granularity} <Time at={time} />
        </>
      ),
    },
    { name: 'Token', show: ({ token }) => token },
    { name: 'Metric', show: ({ metric }) => metric },
    { name: 'Value', isNumber: true, show: ({ value }) => decimal(value) },
    { name: 'Doubt', show: ({ note }) => note },
    { name: 'Why', isWide: true, show: ({ detail }) => detail },
  ];
  return (
    <>
      <Filters />
      <Paged
        path="/notes"
        query={common()}
        columns={columns}
        caption="Values that are hard to believe"
        empty="No stored value is in doubt."
      />
    </>
  );
}

function RevisionList() {
  const columns: Column<Revisions['items'][number]>[] = [
    { name: 'Changed', show: ({ revisedAt }) => <Time at={revisedAt} /> },
    {
      name: 'Window',
      show: ({ granularity, time }) => (
        <>
          {granularity} <Time at={time} />
        </>
      ),
    },
    { name: 'Token', show: ({ token }) => token },
    { name: 'Metric', show: ({ metric }) => metric },
    { name: 'Before', isNumber: true, show: ({ old }) => decimal(old) },
    { name: 'Since', isNumber: true, show: (row) => decimal(row.new) },
  ];
  return (
    <>
      <Filters />
      <Paged
        path="/revisions"
        query={common()}
        columns={columns}
        caption="Values that changed or came late"
        empty="No value has changed."
      />
    </>
  );
}
