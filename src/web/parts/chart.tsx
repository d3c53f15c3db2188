import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { decimal, inBeijing } from '../format.ts';

/** A line for each token over time; where a value is missing the line breaks. */

export interface Mark {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly kind: 'revised' | 'quarantined';
}

export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  /** Milliseconds since the epoch, ascending. */
  readonly times: readonly number[];
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  readonly marks: readonly Mark[];
  readonly scale: 'linear' | 'log';
}

const palette = [
  '#1f77d0',
  '#d9480f',
  '#2b8a3e',
  '#9c36b5',
  '#c2255c',
  '#0b7285',
  '#b08400',
  '#5f3dc4',
  '#5c940d',
  '#868e96',
];

const markColours = { revised: '#e8890c', quarantined: '#a475f9' } as const;

export function Chart(props: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const { title, unit, times, series, marks, scale } = props;
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const { color } = getComputedStyle(element);
    const axis = { stroke: color, grid: { stroke: '#8883', width: 1 }, ticks: { stroke: '#8883', width: 1 } };
    const isLog = scale === 'log';
    const positive = (value: number | null) => (value !== null && value > 0 ? value : null);
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: 240,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Asia/Shanghai'),
        scales: isLog ? { y: { distr: 3 } } : {},
        axes: [
          { ...axis, values: (_, splits) => splits.map(tick) },
          { ...axis, size: 64 },
        ],
        series: [
          { label: 'Beijing', value: (_, seconds) => (seconds == null ? '–' : inBeijing(seconds * 1000)) },
          ...series.map(({ name }, index) => ({
            label: name,
            value: (_: uPlot, value: number | null) => decimal(value),
            stroke: palette[index % palette.length] ?? '#888',
            width: 1.5,
            spanGaps: false,
            points: { show: times.length < 60 },
          })),
        ],
        hooks: { draw: [(plot) => drawMarks(plot, marks)] },
      },
      [
        times.map((time) => time / 1000),
        ...series.map(({ values }) => (isLog ? values.map(positive) : [...values])),
      ],
      element,
    );
    const watch = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: 240 }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      chart.destroy();
    };
  }, [times, series, marks, scale]);
  return (
    <section class="card" aria-label={title}>
      <div class="head">
        <h2>{title}</h2>
        <span class="soft small">{unit}</span>
      </div>
      <div
        class="chart"
        ref={holder}
        role="img"
        aria-label={`${title} over time; the table below holds the same values`}
      />
    </section>
  );
}

/** A time of day, or at midnight the day. */
function tick(seconds: number): string {
  const [date = '', time = ''] = inBeijing(seconds * 1000).split(' ');
  return time === '00:00' ? date.slice(5) : time;
}

function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { ctx: context, bbox } = plot;
  for (const { time, kind } of marks) {
    const x = plot.valToPos(time / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    context.fillStyle = markColours[kind];
    context.beginPath();
    const size = 4 * devicePixelRatio;
    const y = bbox.top + bbox.height - (kind === 'revised' ? 0 : 2.2 * size);
    context.moveTo(x - size, y);
    context.lineTo(x + size, y);
    context.lineTo(x, y - 1.6 * size);
    context.fill();
  }
}
