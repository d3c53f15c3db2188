import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Metrics } from '../../../server/api/types.ts';
import { change, place } from '../../address.ts';
import { ask, type Query } from '../../api.ts';
import { beijingMidnight } from '../../format.ts';
import { type Column, Field, Paged, Select, Time } from '../../parts/parts.tsx';

/** A list that is filtered by what the address says. */

export const filter = (name: string) => place.value.query.get(name) ?? '';

/** The filters that every list has. */
export const commonFilters = () => ({ granularity: filter('granularity'), token: filter('token') });

/** From which day to which, for lists of what happened. */
export const days = () => ({
  from: filter('from') === '' ? '' : beijingMidnight(filter('from')),
  to: filter('to') === '' ? '' : beijingMidnight(filter('to')),
});

export function Days() {
  return (
    <>
      <Field
        label="From (Beijing)"
        type="date"
        value={filter('from')}
        onChange={(from) => change({ from })}
      />
      <Field label="To, not included" type="date" value={filter('to')} onChange={(to) => change({ to })} />
    </>
  );
}

const granularities = [
  ['', 'all'],
  ['15m', '15m'],
  ['1h', '1h'],
  ['4h', '4h'],
  ['1d', '1d'],
] as const;

function Filters({ children }: { children?: ComponentChildren }) {
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

/** The list with its filters above it. */
export function Filtered<T>(props: {
  path: string;
  /** Besides {@link commonFilters}. */
  query?: Query;
  columns: readonly Column<T>[];
  caption: string;
  empty: string;
  /** Filters and buttons of this list alone. */
  children?: ComponentChildren;
  /** Another number has the list read again. */
  turn?: number;
  /** Stands between filters and list. */
  note?: ComponentChildren;
}) {
  const { path, query, columns, caption, empty, children, turn, note } = props;
  return (
    <>
      <Filters>{children}</Filters>
      {note}
      <Paged
        key={turn}
        path={path}
        query={{ ...commonFilters(), ...query }}
        columns={columns}
        caption={caption}
        empty={empty}
      />
    </>
  );
}

/** The window that an entry is about. */
export const windowColumn: Column<{ granularity: string; time: string | null }> = {
  name: 'Window',
  show: ({ granularity, time }) => (
    <>
      {granularity} {time !== null && <Time at={time} />}
    </>
  ),
};

export const tokenColumn: Column<{ token: string | null }> = {
  name: 'Token',
  show: ({ token }) => token ?? '–',
};

/** Columns of metrics by their codes; asked for once. */
const names = signal<ReadonlyMap<string, string> | undefined>(undefined);

async function learnNames(): Promise<void> {
  if (names.value !== undefined) return;
  names.value = new Map();
  try {
    const { metrics } = await ask<Metrics>('/metrics');
    names.value = new Map(metrics.map(({ code, column }) => [code, column]));
  } catch {
    // The codes say the same.
  }
}

/** The name under which people know a metric; its code is shown where it is pointed at. */
function Metric({ code }: { code: string }) {
  useEffect(() => void learnNames(), []);
  return <span title={code}>{names.value?.get(code) ?? code}</span>;
}

export const metricColumn: Column<{ metric: string | null }> = {
  name: 'Metric',
  show: ({ metric }) => (metric === null ? '–' : <Metric code={metric} />),
};
