import { change, place } from '../address.ts';
import { CallList } from './trouble/calls.tsx';
import { NoteList, RevisionList } from './trouble/doubts.tsx';
import { EventList } from './trouble/events.tsx';
import { FailureList } from './trouble/failures.tsx';
import { FreshnessList } from './trouble/freshness.tsx';
import { QuarantineList } from './trouble/quarantine.tsx';

/** What went wrong, and what may be wrong. */

const lists = {
  failures: ['Failures', FailureList],
  events: ['Events', EventList],
  quiet: ['Quiet tokens', FreshnessList],
  calls: ['Calls', CallList],
  quarantine: ['Quarantine', QuarantineList],
  notes: ['Doubtful values', NoteList],
  revisions: ['Changed values', RevisionList],
} as const;

/** Filters of single lists, which say nothing of another one. */
const ownFilters = {
  outcome: '',
  lane: '',
  reason: '',
  late: '',
  open: '',
  metric: '',
  note: '',
  from: '',
  to: '',
};

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
            onClick={() => change({ list: key, ...ownFilters }, 'push')}
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
