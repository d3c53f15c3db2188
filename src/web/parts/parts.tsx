import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, newsCount, type Query, Refusal } from '../api.ts';
import { inBeijing } from '../format.ts';
import { byBothClocks, here } from '../viewer.ts';

/** Pieces that several views share. */

/** An instant in Beijing, and in the viewer's zone where that differs. */
export function Time({ at, both = false }: { at: string; both?: boolean }) {
  return (
    <time dateTime={at} title={byBothClocks(at)}>
      {inBeijing(at)}
      {both && <span class="soft small here">{here(at)}</span>}
    </time>
  );
}

/** A text of the program's, in which commands stand between backticks. */
export function Prose({ text }: { text: string }) {
  return (
    <>{text.split('`').map((part, index) => (index % 2 === 0 ? part : <code key={index}>{part}</code>))}</>
  );
}

export interface Asked<T> {
  readonly data: T | undefined;
  readonly problem: string | undefined;
  /** What helps against the problem, where the server says so. */
  readonly remedy: string | undefined;
  readonly isAsking: boolean;
  again(): void;
}

/**
 * Asks the server, and again when the question changes or, where wanted, when news come. The last answer stays until
 * the next, so that nothing flickers.
 *
 * @param known what is shown until the first answer
 */
export function useAsked<T>(path: string | undefined, query: Query = {}, live = false, known?: T): Asked<T> {
  const [data, setData] = useState<T | undefined>(known);
  const [problem, setProblem] = useState<{ text: string; remedy?: string | undefined }>();
  const [isAsking, setAsking] = useState(false);
  const [turn, setTurn] = useState(0);
  const key = path === undefined ? undefined : `${path} ${JSON.stringify(query)}`;
  const shown = useRef(key);
  const news = live ? newsCount.value : 0;
  useEffect(() => {
    if (path === undefined) return;
    const cancel = new AbortController();
    if (shown.current !== key) setAsking(true);
    ask<T>(path, query, cancel.signal).then(
      (answer) => {
        shown.current = key;
        // What has not changed is not drawn anew: a chart keeps its part, a list its place.
        setData((last) => (isSame(last, answer) ? last : answer));
        setProblem(undefined);
        setAsking(false);
      },
      (error: unknown) => {
        if (cancel.signal.aborted) return;
        setProblem(
          error instanceof Refusal
            ? { text: error.message, remedy: error.remedy }
            : { text: 'The page failed to read the answer.' },
        );
        setAsking(false);
      },
    );
    return () => cancel.abort();
  }, [key, news, turn]);
  return {
    data,
    problem: problem?.text,
    remedy: problem?.remedy,
    isAsking,
    again: () => setTurn((last) => last + 1),
  };
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export function Problem({ text }: { text: string | undefined }) {
  return text === undefined ? null : (
    <p class="message" role="alert">
      {text}
    </p>
  );
}

export function Select(props: {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  onChange: (value: string) => void;
}) {
  return (
    <label>
      {props.label}
      <select value={props.value} onChange={({ currentTarget }) => props.onChange(currentTarget.value)}>
        {props.options.map(([value, text]) => (
          <option key={value} value={value} selected={value === props.value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Field(props: {
  label: string;
  value: string;
  type?: 'text' | 'date' | 'datetime-local';
  placeholder?: string;
  list?: string;
  onChange: (value: string) => void;
}) {
  return (
    <label>
      {props.label}
      <input
        type={props.type ?? 'text'}
        value={props.value}
        placeholder={props.placeholder}
        list={props.list}
        onChange={({ currentTarget }) => props.onChange(currentTarget.value.trim())}
      />
    </label>
  );
}

export interface Column<T> {
  readonly name: string;
  readonly isNumber?: boolean;
  readonly isWide?: boolean;
  readonly show: (row: T) => ComponentChildren;
}

/** On a phone each row stands as a list of its cells with their names, but for a grid, which is moved sideways. */
export function Table<T>({
  rows,
  columns,
  caption,
  isGrid = false,
}: {
  rows: readonly T[];
  columns: readonly Column<T>[];
  caption: string;
  /** Whether numbers are to be compared down the columns. */
  isGrid?: boolean;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area has to be reached with the keyboard
    <section class={`scroll ${isGrid ? 'grid' : 'stacks'}`} tabIndex={0} aria-label={caption}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, isNumber }) => (
              <th key={name} scope="col" class={isNumber ? 'number' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map(({ name, isNumber, isWide, show }) => (
                <td key={name} class={isNumber ? 'number' : isWide ? 'wide' : undefined} data-name={name}>
                  {show(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** A list that pages on the server. */
export function Paged<T>(props: {
  path: string;
  query: Query;
  columns: readonly Column<T>[];
  caption: string;
  empty: string;
  live?: boolean;
}) {
  const [cursors, setCursors] = useState<readonly number[]>([]);
  const filters = JSON.stringify(props.query);
  useEffect(() => setCursors([]), [filters, props.path]);
  const asked = useAsked<{ items: T[]; next: number | null }>(
    props.path,
    { ...props.query, limit: 25, cursor: cursors.at(-1) },
    props.live ?? cursors.length === 0,
  );
  const { data, problem } = asked;
  return (
    <>
      <Problem text={problem} />
      {data?.items.length === 0 && <p class="empty">{props.empty}</p>}
      {data !== undefined && data.items.length > 0 && (
        <Table rows={data.items} columns={props.columns} caption={props.caption} />
      )}
      {(cursors.length > 0 || (data?.next ?? null) !== null) && (
        <div class="buttons">
          <button
            type="button"
            disabled={cursors.length === 0}
            onClick={() => setCursors(cursors.slice(0, -1))}
          >
            Newer
          </button>
          <button
            type="button"
            disabled={(data?.next ?? null) === null}
            onClick={() => data?.next != null && setCursors([...cursors, data.next])}
          >
            Older
          </button>
          <span class="soft small">page {cursors.length + 1}</span>
        </div>
      )}
    </>
  );
}
