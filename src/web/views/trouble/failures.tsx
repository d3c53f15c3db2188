import type { Failures, Refusals } from '../../../server/api/types.ts';
import { count } from '../../format.ts';
import { type Asked, type Column, Problem, Table, Time, useAsked } from '../../parts/parts.tsx';

/** A short list that is shown whole. */
function Whole<T>(props: {
  asked: Asked<{ items: T[] }>;
  columns: readonly Column<T>[];
  caption: string;
  empty: string;
}) {
  const { asked, columns, caption, empty } = props;
  const items = asked.data?.items;
  return (
    <>
      <Problem text={asked.problem} />
      {items?.length === 0 && <p class="empty">{empty}</p>}
      {items !== undefined && items.length > 0 && <Table caption={caption} rows={items} columns={columns} />}
    </>
  );
}

const failureColumns: readonly Column<Failures['items'][number]>[] = [
  {
    name: 'What happened',
    show: ({ outcome, code }) => `${outcome}${code === null ? '' : ` (${code})`}`,
  },
  { name: 'Calls', isNumber: true, show: ({ calls }) => count(calls) },
  { name: 'First', show: ({ first }) => <Time at={first} /> },
  { name: 'Last', show: ({ last }) => <Time at={last} /> },
  { name: 'The last one said', isWide: true, show: ({ message }) => message ?? '–' },
];

const refusalColumns: readonly Column<Refusals['items'][number]>[] = [
  { name: 'Code', show: ({ code }) => code },
  { name: 'Name', show: ({ name }) => name ?? '–' },
  { name: 'Since', show: ({ since }) => <Time at={since} /> },
  { name: 'Last asked', show: ({ last }) => <Time at={last} /> },
];

export function FailureList() {
  return (
    <>
      <h2>Failed calls of the last 24 hours, by kind</h2>
      <Whole
        asked={useAsked<Failures>('/failures', {}, true)}
        columns={failureColumns}
        caption="Failed calls by kind"
        empty="No call has failed."
      />
      <h2>Not in the subscription</h2>
      <Whole
        asked={useAsked<Refusals>('/refusals', {}, true)}
        columns={refusalColumns}
        caption="Metrics and tags that the API refuses"
        empty="The API has refused no metric and no tag."
      />
    </>
  );
}
