import type { Notes, Revisions } from '../../../server/api/types.ts';
import { decimal } from '../../format.ts';
import { type Column, Time } from '../../parts/parts.tsx';
import { Filtered, metricColumn, tokenColumn, windowColumn } from './filtered.tsx';

const noteColumns: readonly Column<Notes['items'][number]>[] = [
  windowColumn,
  tokenColumn,
  metricColumn,
  { name: 'Value', isNumber: true, show: ({ value }) => decimal(value) },
  { name: 'Doubt', show: ({ note }) => note },
  { name: 'Why', isWide: true, show: ({ detail }) => detail },
];

export function NoteList() {
  return (
    <Filtered
      path="/notes"
      columns={noteColumns}
      caption="Values that are hard to believe"
      empty="No stored value is in doubt."
    />
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
      columns={revisionColumns}
      caption="Values that changed or came late"
      empty="No value has changed."
    />
  );
}
