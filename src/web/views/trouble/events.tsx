import type { Events } from '../../../server/api/types.ts';
import { change } from '../../address.ts';
import { count } from '../../format.ts';
import { type Column, Paged, Select, Time } from '../../parts/parts.tsx';
import { Days, days, filter } from './filtered.tsx';

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
    <>
      <div class="controls">
        <Select
          label="Show"
          value={filter('open')}
          options={[
            ['', 'all'],
            ['true', 'what goes on still'],
          ]}
          onChange={(open) => change({ open })}
        />
        <Days />
      </div>
      <Paged
        path="/events"
        query={{ open: filter('open'), ...days() }}
        columns={columns}
        caption="What happened, the newest first"
        empty="Nothing has happened."
      />
    </>
  );
}
