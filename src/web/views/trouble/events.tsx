import type { Events } from '../../../server/api/types.ts';
import { count } from '../../format.ts';
import { type Column, Paged, Time } from '../../parts/parts.tsx';

const columns: readonly Column<Events['items'][number]>[] = [
  { name: 'Began', show: ({ at }) => <Time at={at} /> },
  { name: 'Until', show: ({ until, isOpen }) => (isOpen ? 'now' : <Time at={until} />) },
  { name: 'What', show: ({ kind }) => kind },
  { name: 'Granularity', show: ({ granularity }) => granularity ?? '–' },
  { name: 'Times', isNumber: true, show: ({ times }) => count(times) },
  { name: 'In words', isWide: true, show: ({ message }) => message },
];

export function EventList() {
  return (
    <Paged
      path="/events"
      query={{}}
      columns={columns}
      caption="What happened, the newest first"
      empty="Nothing has happened yet."
    />
  );
}
