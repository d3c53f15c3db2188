import { useState } from 'preact/hooks';
import type { Quarantine } from '../../../server/api/types.ts';
import { change } from '../../address.ts';
import { mayWrite, Refusal, write } from '../../api.ts';
import { count } from '../../format.ts';
import { type Column, Field, Time } from '../../parts/parts.tsx';
import { commonFilters, Filtered, filter, metricColumn, tokenColumn, windowColumn } from './filtered.tsx';

const columns: readonly Column<Quarantine['items'][number]>[] = [
  { name: 'Last seen', show: ({ lastSeenAt }) => <Time at={lastSeenAt} /> },
  windowColumn,
  tokenColumn,
  metricColumn,
  { name: 'Why', show: ({ reason }) => reason },
  { name: 'Times', isNumber: true, show: ({ timesSeen }) => count(timesSeen) },
  { name: 'As sent', isWide: true, show: ({ raw }) => <code>{raw}</code> },
];

type Action = 'replay' | 'dismiss';

/** What an action did, for the person who took it. */
function outcomeOf(action: Action, result: Readonly<Record<string, number>>): string {
  const { replayed = 0, superseded = 0, left = 0, dismissed = 0 } = result;
  return action === 'replay'
    ? `${count(replayed)} stored, ${count(superseded)} superseded, ${count(left)} still cannot be stored.`
    : `${count(dismissed)} taken off the list.`;
}

export function QuarantineList() {
  const [message, setMessage] = useState<{ text: string; isGood: boolean }>();
  const [turn, setTurn] = useState(0);
  const choice = Object.fromEntries(
    Object.entries({ ...commonFilters(), reason: filter('reason') }).filter(([, value]) => value !== ''),
  );
  const act = async (action: Action) => {
    try {
      const result = await write<Record<string, number>>(`/quarantine/${action}`, choice);
      setMessage({ text: outcomeOf(action, result), isGood: true });
      setTurn(turn + 1);
    } catch (error) {
      setMessage({ text: error instanceof Refusal ? error.message : String(error), isGood: false });
    }
  };
  return (
    <Filtered
      turn={turn}
      path="/quarantine"
      query={{ reason: filter('reason') }}
      columns={columns}
      caption="What the API sent and could not be stored"
      empty="Nothing is in quarantine."
      note={
        message !== undefined && (
          <p class={`message ${message.isGood ? 'good' : ''}`} role="status">
            {message.text}
          </p>
        )
      }
    >
      <Field
        label="Reason"
        value={filter('reason')}
        placeholder="all"
        onChange={(reason) => change({ reason })}
      />
      {mayWrite() && <Actions hasChoice={Object.keys(choice).length > 0} act={act} />}
    </Filtered>
  );
}

function Actions({ hasChoice, act }: { hasChoice: boolean; act: (action: Action) => Promise<void> }) {
  return (
    <>
      <button type="button" onClick={() => void act('replay')}>
        Read again
      </button>
      <button
        type="button"
        disabled={!hasChoice}
        title="Choose a filter first"
        onClick={() => void act('dismiss')}
      >
        Dismiss what is listed
      </button>
    </>
  );
}
