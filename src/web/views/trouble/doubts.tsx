import type { Notes, Revisions, SuspendedRules } from '../../../server/api/types.ts';
import { change } from '../../address.ts';
import { count, decimal, inBeijing, percent } from '../../format.ts';
import { type Column, Field, Paged, Time } from '../../parts/parts.tsx';
import { Filtered, filter, metricColumn, tokenColumn, windowColumn } from './filtered.tsx';

const noteColumns: readonly Column<Notes['items'][number]>[] = [
  windowColumn,
  tokenColumn,
  metricColumn,
  { name: 'Value', isNumber: true, show: ({ value }) => decimal(value) },
  { name: 'Doubt', show: ({ note }) => note },
  { name: 'Why', isWide: true, show: ({ detail }) => detail },
];

const ruleColumns: readonly Column<SuspendedRules['items'][number]>[] = [
  { name: 'Rule', show: ({ note }) => note },
  { name: 'Metric', show: ({ metric }) => metric },
  { name: 'Granularity', show: ({ granularity }) => granularity },
  { name: 'Fires on', isNumber: true, show: ({ share, rows }) => `${percent(share)} of ${count(rows)} rows` },
  { name: 'Suspended since', show: ({ since }) => <Time at={since} /> },
  {
    name: 'For example',
    isWide: true,
    show: ({ examples }) =>
      examples
        .slice(0, 3)
        .map(({ token, time, value, detail }) => `${token} ${inBeijing(time)}: ${value} (${detail})`)
        .join('; '),
  },
];

export function NoteList() {
  return (
    <>
      <Filtered
        path="/notes"
        query={{ note: filter('note') }}
        columns={noteColumns}
        caption="Values that are hard to believe"
        empty="No stored value is in doubt."
      >
        <Field label="Doubt" value={filter('note')} placeholder="all" onChange={(note) => change({ note })} />
      </Filtered>
      <h2>Rules that fire too often to be right, and make no notes</h2>
      <Paged
        path="/suspended-rules"
        query={{}}
        columns={ruleColumns}
        caption="Suspended quality rules"
        empty="No rule is suspended."
      />
    </>
  );
}

const revisionColumns: readonly Column<Revisions['items'][number]>[] = [
  { name: 'Changed', show: ({ revisedAt }) => <Time at={revisedAt} /> },
  windowColumn,
  tokenColumn,
  metricColumn,
  { name: 'Before', isNumber: true, show: ({ old }) => decimal(old) },
  { name: 'Since', isNumber: true, show: (row) => decimal(row.new) },
];

export function RevisionList() {
  return (
    <Filtered
      path="/revisions"
      query={{ metric: filter('metric') }}
      columns={revisionColumns}
      caption="Values that changed or came late"
      empty="No value has changed."
    >
      <Field
        label="Metric (code)"
        value={filter('metric')}
        placeholder="all"
        onChange={(metric) => change({ metric })}
      />
    </Filtered>
  );
}
