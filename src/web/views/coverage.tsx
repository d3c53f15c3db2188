import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Granularity, granularities, isGranularity } from '../../catalog/granularities.ts';
import type { Coverage as CoverageMap } from '../../server/api/types.ts';
import { change, place } from '../address.ts';
import { beijingDate, beijingMidnight, count, inBeijing } from '../format.ts';
import { colours, draw, type Frame, paint, type Rectangle, within, zoomed } from '../parts/heat-map.ts';
import { Field, Problem, Select, useAsked } from '../parts/parts.tsx';
import { type Chosen, Explanation } from './map/explanation.tsx';

/** Tokens × days or windows: what is there, and why the rest is not. */

const day = 86_400_000;

export function Coverage() {
  const { query } = place.value;
  const asked = query.get('granularity') ?? '1h';
  const granularity: Granularity = isGranularity(asked) ? asked : '1h';
  const by = query.get('by') === 'window' && granularity !== '1d' ? 'window' : 'day';
  const from = query.get('from') ?? beijingDate(Date.now() - 90 * day);
  const to = query.get('to') ?? beijingDate(Date.now() + day);
  const range = { from: beijingMidnight(from), to: beijingMidnight(to) };
  const asking = useAsked<CoverageMap>('/coverage', { granularity, by, ...range });
  const { problem, isAsking } = asking;
  const data = useMemo(
    () => (asking.data === undefined || query.has('from') ? asking.data : fromFirst(asking.data)),
    [asking.data, query],
  );
  const [chosen, setChosen] = useState<Chosen>();
  return (
    <>
      <div class="controls">
        <Select
          label="Granularity"
          value={granularity}
          options={granularities.map((each) => [each, each] as const)}
          onChange={(value) => change({ granularity: value })}
        />
        <Field
          label="From (Beijing)"
          type="date"
          value={query.has('from') || data === undefined ? from : beijingDate(data.from)}
          onChange={(value) => change({ from: value })}
        />
        <Field label="To, not included" type="date" value={to} onChange={(value) => change({ to: value })} />
        <Select
          label="A column for each"
          value={by}
          options={
            granularity === '1d'
              ? [['day', 'day']]
              : [
                  ['day', 'day'],
                  ['window', `${granularity} window`],
                ]
          }
          onChange={(value) => change({ by: value === 'day' ? '' : value })}
        />
        {isAsking && <span class="soft">counting …</span>}
      </div>
      <Problem text={problem} />
      {data !== undefined && (
        <HeatMap
          key={`${data.granularity} ${data.from} ${data.step} ${data.columns}`}
          map={data}
          onChoose={setChosen}
        />
      )}
      {data !== undefined && <Legend map={data} />}
      {chosen !== undefined && <Explanation granularity={granularity} chosen={chosen} />}
    </>
  );
}

/** Without the columns before the first in which anything is due. */
function fromFirst(map: CoverageMap): CoverageMap {
  const firsts = map.rows.map(({ cells }) => cells.search(/[^.]/)).filter((first) => first >= 0);
  const first = firsts.length === 0 ? 0 : Math.min(...firsts);
  return {
    ...map,
    from: new Date(Date.parse(map.from) + first * map.step).toISOString(),
    columns: map.columns - first,
    rows: map.rows.map((row) => ({ ...row, cells: row.cells.slice(first) })),
  };
}

function Legend({ map }: { map: CoverageMap }) {
  const totals = useMemo(() => {
    const found = new Map<string, number>();
    for (const { cells } of map.rows)
      for (const letter of cells) found.set(letter, (found.get(letter) ?? 0) + 1);
    return found;
  }, [map]);
  const isDark = useDark();
  return (
    <ul class="legend" aria-label="What the colours mean">
      {Object.entries(map.legend)
        .filter(([letter, state]) => state !== 'none' && (totals.get(letter) ?? 0) > 0)
        .map(([letter, state]) => (
          <li key={letter}>
            <i style={{ background: colours[state]?.[isDark ? 1 : 0] ?? 'none' }} />
            {names[state] ?? state}: {count(totals.get(letter) ?? 0)}
          </li>
        ))}
    </ul>
  );
}

const names: Readonly<Record<string, string>> = {
  sparse: 'some windows empty at the source',
  empty: 'empty at the source',
  missing: 'not asked yet',
  unavailable: 'not available',
  'before history': 'before the token’s history',
};

function useDark(): boolean {
  const [media] = useState(() => matchMedia('(prefers-color-scheme: dark)'));
  const [isDark, setDark] = useState(media.matches);
  useEffect(() => {
    const tell = () => setDark(media.matches);
    media.addEventListener('change', tell);
    return () => media.removeEventListener('change', tell);
  }, [media]);
  return isDark;
}

function HeatMap({ map, onChoose }: { map: CoverageMap; onChoose: (chosen: Chosen) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const isDark = useDark();
  const picture = useMemo(() => paint(map, isDark), [map, isDark]);
  const rows = map.rows.length;
  const tokens = useMemo(() => map.rows.map(({ token }) => token), [map]);
  const labelOf = useMemo(() => {
    const start = Date.parse(map.from);
    return (column: number) => {
      const at = inBeijing(start + column * map.step);
      return map.step === day ? at.slice(0, 10) : at;
    };
  }, [map]);
  const [frame, setFrame] = useState<Frame>({ column: 0, row: 0, columns: map.columns, rows });
  const [cursor, setCursor] = useState({ column: map.columns - 1, row: 0 });
  const [selection, setSelection] = useState<Rectangle>();
  const [size, setSize] = useState(0);
  const [isChoosing, setChoosing] = useState(false);
  const press = useRef<{ x: number; y: number; frame: Frame; isSelecting: boolean } | undefined>(undefined);

  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const watch = new ResizeObserver(() => {
      element.width = element.clientWidth * devicePixelRatio;
      element.height = element.clientHeight * devicePixelRatio;
      setSize(element.width * 100_000 + element.height);
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const task = requestAnimationFrame(() => draw(element, { picture, frame, tokens, labelOf, selection }));
    return () => cancelAnimationFrame(task);
  }, [picture, frame, tokens, labelOf, selection, size]);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const turn = (event: WheelEvent) => {
      event.preventDefault();
      const factor = Math.exp(event.deltaY / 400);
      const x = event.offsetX / element.clientWidth;
      const y = event.offsetY / element.clientHeight;
      setFrame((last) => zoomed(last, factor, x, y, map.columns, rows));
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => element.removeEventListener('wheel', turn);
  }, [map.columns, rows]);

  const choose = (part: Rectangle) => {
    setSelection(part);
    const start = Date.parse(map.from);
    onChoose({
      token: tokens[part.fromRow] ?? '',
      tokens: tokens.slice(part.fromRow, part.toRow),
      from: new Date(start + part.fromColumn * map.step).toISOString(),
      to: new Date(start + part.toColumn * map.step).toISOString(),
    });
  };
  const cellAt = (event: PointerEvent) => {
    const { clientWidth = 1, clientHeight = 1 } = canvas.current ?? {};
    return {
      column: Math.min(
        map.columns - 1,
        Math.max(0, Math.floor(frame.column + (event.offsetX / clientWidth) * frame.columns)),
      ),
      row: Math.min(
        rows - 1,
        Math.max(0, Math.floor(frame.row + (event.offsetY / clientHeight) * frame.rows)),
      ),
    };
  };
  const between = (a: { column: number; row: number }, b: { column: number; row: number }): Rectangle => ({
    fromColumn: Math.min(a.column, b.column),
    toColumn: Math.max(a.column, b.column) + 1,
    fromRow: Math.min(a.row, b.row),
    toRow: Math.max(a.row, b.row) + 1,
  });
  const begin = useRef({ column: 0, row: 0 });
  const down = (event: PointerEvent) => {
    canvas.current?.setPointerCapture(event.pointerId);
    begin.current = cellAt(event);
    press.current = { x: event.offsetX, y: event.offsetY, frame, isSelecting: event.shiftKey || isChoosing };
  };
  const move = (event: PointerEvent) => {
    const held = press.current;
    if (held === undefined) return setCursor(cellAt(event));
    if (held.isSelecting) return setSelection(between(begin.current, cellAt(event)));
    const { clientWidth = 1, clientHeight = 1 } = canvas.current ?? {};
    const column = held.frame.column - ((event.offsetX - held.x) / clientWidth) * frame.columns;
    const row = held.frame.row - ((event.offsetY - held.y) / clientHeight) * frame.rows;
    setFrame(within({ ...held.frame, column, row }, map.columns, rows));
  };
  const up = (event: PointerEvent) => {
    const held = press.current;
    press.current = undefined;
    if (held === undefined) return;
    const isClick = Math.hypot(event.offsetX - held.x, event.offsetY - held.y) < 5;
    if (isClick) setCursor(begin.current);
    if (isClick || held.isSelecting) choose(between(begin.current, cellAt(event)));
  };
  const key = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const step = steps[event.key];
    if (step !== undefined) {
      const next = {
        column: Math.min(map.columns - 1, Math.max(0, cursor.column + step[0])),
        row: Math.min(rows - 1, Math.max(0, cursor.row + step[1])),
      };
      setCursor(next);
      setSelection(between(next, event.shiftKey ? begin.current : next));
      if (!event.shiftKey) begin.current = next;
    } else if (event.key === 'Enter' || event.key === ' ') choose(selection ?? between(cursor, cursor));
    else if (event.key === '+') setFrame((last) => zoomed(last, 0.7, 0.5, 0.5, map.columns, rows));
    else if (event.key === '-') setFrame((last) => zoomed(last, 1.4, 0.5, 0.5, map.columns, rows));
    else return;
    event.preventDefault();
  };
  const letter = map.rows[cursor.row]?.cells.charAt(cursor.column) ?? '.';
  const state = map.legend[letter] ?? 'none';
  const described = `${tokens[cursor.row] ?? ''}, ${labelOf(cursor.column)}: ${state === 'none' ? 'nothing due' : (names[state] ?? state)}`;
  if (rows === 0) return <p class="empty">Nothing of this granularity is wanted.</p>;
  return (
    <>
      <p class="small soft">
        <span aria-live="polite">{described}</span>
      </p>
      <div
        class="map"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the map is moved and chosen from with the keyboard
        tabIndex={0}
        role="application"
        aria-label={`Map of ${rows} tokens and ${map.columns} columns. Arrow keys move, Enter explains, plus and minus zoom`}
        onKeyDown={key}
      >
        <canvas ref={canvas} onPointerDown={down} onPointerMove={move} onPointerUp={up} />
      </div>
      <div class="buttons">
        <button
          type="button"
          aria-label="Zoom in"
          onClick={() => setFrame((last) => zoomed(last, 0.6, 0.5, 0.5, map.columns, rows))}
        >
          +
        </button>
        <button
          type="button"
          aria-label="Zoom out"
          onClick={() => setFrame((last) => zoomed(last, 1.6, 0.5, 0.5, map.columns, rows))}
        >
          −
        </button>
        <button type="button" onClick={() => setFrame({ column: 0, row: 0, columns: map.columns, rows })}>
          Show all
        </button>
        <button type="button" aria-pressed={isChoosing} onClick={() => setChoosing(!isChoosing)}>
          Choose a part
        </button>
        <span class="soft small">
          {isChoosing
            ? 'Drag over the windows that you mean.'
            : 'Click to ask why. Drag to move, wheel to zoom, Shift and drag to choose a part.'}
        </span>
      </div>
    </>
  );
}
