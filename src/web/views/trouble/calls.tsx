import type { Requests } from '../../../server/api/types.ts';
import { change } from '../../address.ts';
import { count, purpose } from '../../format.ts';
import { type Column, Select, Time } from '../../parts/parts.tsx';
import { Days, days, Filtered, filter } from './filtered.tsx';

const outcomes = [
  ['', 'all'],
  ['failed', 'failed'],
  ['answered', 'answered'],
] as const;

const lanes = [
  ['', 'all'],
  ...['live', 'repair', 'lookback', 'history', 'audit'].map((lane) => [lane, purpose(lane)] as const),
] as const;

const few = (names: readonly string[], most: number) =>
  names.length <= most
    ? names.join(', ') || '–'
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

const columns: readonly Column<Requests['items'][number]>[] = [
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

export function CallList() {
  return (
    <Filtered
      path="/requests"
      query={{ outcome: filter('outcome'), lane: filter('lane'), ...days() }}
      columns={columns}
      caption="Calls of the API"
      empty="No call matches."
    >
      <Select
        label="Outcome"
        value={filter('outcome')}
        options={outcomes}
        onChange={(outcome) => change({ outcome })}
      />
      <Select label="For" value={filter('lane')} options={lanes} onChange={(lane) => change({ lane })} />
      <Days />
    </Filtered>
  );
}
