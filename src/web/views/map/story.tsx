import { useState } from 'preact/hooks';
import { type Granularity, windowLength } from '../../../catalog/granularities.ts';
import type { Cell, Story as StoryOfWindow } from '../../../server/api/types.ts';
import { inBeijing } from '../../format.ts';
import { Problem, Select, Table, Time, useAsked } from '../../parts/parts.tsx';

/** The life of one window: what happened to it, how it stands, what comes next. */

/** Most windows that can be chosen from: a day of the finest. */
const mostWindows = 96;

/** Instants that name the windows of a range, oldest first, the newest ones where there are too many. */
function windowsOf(granularity: Granularity, from: string, to: string): readonly number[] {
  const length = windowLength[granularity];
  const end = Date.parse(to);
  const windows = Math.min(mostWindows, Math.round((end - Date.parse(from)) / length));
  // A day of the API may begin in the morning: the end of the Beijing day lies within the one that begins in it.
  const offset = granularity === '1d' ? length - 1 : 0;
  return Array.from({ length: windows }, (_, index) => end - (windows - index) * length + offset);
}

/** The window that asks most for a story: the newest one with a gap, else the newest one that has begun. */
function mostTelling(windows: readonly number[], { gaps }: Cell): number | undefined {
  const begun = windows.filter((window) => window <= Date.now());
  const lacking = begun.findLast((window) =>
    gaps.some(({ from, to }) => Date.parse(from) <= window && window < Date.parse(to)),
  );
  return lacking ?? begun.at(-1) ?? windows[0];
}

export function Story(props: {
  cell: Cell;
  granularity: Granularity;
  token: string;
  from: string;
  to: string;
}) {
  const { cell, granularity, token, from, to } = props;
  const windows = windowsOf(granularity, from, to);
  const [picked, setPicked] = useState<number>();
  const instant = picked !== undefined && windows.includes(picked) ? picked : mostTelling(windows, cell);
  const { data, problem } = useAsked<StoryOfWindow>(
    instant === undefined ? undefined : '/why',
    instant === undefined ? {} : { granularity, token, window: new Date(instant).toISOString() },
  );
  return (
    <>
      <div class="controls">
        <Select
          label="The story of the window from (Beijing)"
          value={String(instant)}
          options={windows.map((window) => [String(window), dateOf(window, granularity)] as const)}
          onChange={(value) => setPicked(Number(value))}
        />
      </div>
      <Problem text={problem} />
      {data !== undefined && <Told story={data} />}
    </>
  );
}

const dateOf = (window: number, granularity: Granularity) =>
  granularity === '1d' ? inBeijing(window).slice(0, 10) : inBeijing(window);

function Told({ story: { states, moments, next, cells } }: { story: StoryOfWindow }) {
  const nameOf = (code: string) => cells.find(({ metric }) => metric === code)?.column ?? code;
  return (
    <>
      <ul class="plain">
        {states.map((state) => (
          <li key={state}>{state}</li>
        ))}
      </ul>
      <Table
        caption="What happened to it"
        rows={moments}
        columns={[
          { name: 'When', show: ({ at }) => <Time at={at} both /> },
          { name: 'What', show: ({ what }) => what },
          { name: 'In words', isWide: true, show: ({ detail }) => detail },
        ]}
      />
      {next.map(({ what, at, metrics }) => (
        <p key={`${what} ${at}`}>
          <strong>Next:</strong> {what}
          {at !== null && (
            <>
              , <Time at={at} both />
            </>
          )}
          {next.length > 1 && <span class="soft"> ({metrics.map(nameOf).join(', ')})</span>}
        </p>
      ))}
    </>
  );
}
