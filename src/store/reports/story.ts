import type { Lane } from '../../planning/lanes.ts';
import { purposes } from '../../purposes.ts';
import type { Instant } from '../../time.ts';
import type { Cell, CellStory } from './why.ts';

/** The story of a cell as people and programs read it; pure. */

/** Something that happened to the cells. */
export interface Moment {
  readonly at: Instant;
  readonly what: string;
  readonly detail: string;
}

const purposeOf: Readonly<Record<Lane, string>> = purposes;

/** Metrics that a line names one by one. */
const mostNamed = 3;

/** The story in the order of time. @param nameOf the name under which a metric is shown */
export function momentsOf(story: CellStory, nameOf: (metric: string) => string): readonly Moment[] {
  const { window, dueAt, calls, revisions, quarantine, notes, events, firstSeenAt, backfilled, cells } =
    story;
  const all = cells.length;
  const some = (metrics: readonly string[]) =>
    metrics.length === all && all > 1
      ? ''
      : ` for ${metrics.length > mostNamed ? `${metrics.length} of the metrics` : metrics.map(nameOf).join(', ')}`;
  const late = cells.filter(({ knownSince }) => knownSince !== null && knownSince !== firstSeenAt);
  const moments: Moment[] = [
    { at: window.end, what: 'closed', detail: '' },
    { at: dueAt, what: 'due', detail: '' },
    ...events.map(({ at: when, kind, message }) => ({ at: when, what: kind, detail: message })),
    ...calls.map((call) => ({
      at: call.sentAt,
      what: call.lane === 'lookback' ? purposeOf.lookback : `asked (${purposeOf[call.lane]})`,
      detail: `${call.outcome}${call.code === null ? '' : ` ${call.code}`}${some(call.metrics)}: ${call.records} values of ${call.tokens === 1 ? 'one token' : `${call.tokens} tokens`}, ${call.milliseconds} ms${call.message === null ? '' : `; ${call.message}`}`,
    })),
    ...(firstSeenAt === null
      ? []
      : [
          { at: firstSeenAt, what: 'stored', detail: backfilled === true ? 'loaded as history' : 'observed' },
        ]),
    ...late.map(({ metric, knownSince, value }) => ({
      at: knownSince ?? 0,
      what: 'came later',
      detail: `${nameOf(metric)}, now ${value}`,
    })),
    ...revisions.map(({ metric, old, new: value, revisedAt }) => ({
      at: revisedAt,
      what: old === null ? 'came late' : 'revised',
      detail: `${nameOf(metric)} ${old === null ? '' : `from ${old} `}to ${value}`,
    })),
    ...quarantine.flatMap(({ metric, reason, raw, firstSeenAt: seen, timesSeen, resolution, resolvedAt }) => [
      {
        at: seen,
        what: 'quarantined',
        detail: `${metric === null ? '' : `${nameOf(metric)}: `}${reason}${timesSeen > 1 ? `, ${timesSeen} times` : ''}; it came as ${raw.slice(0, 100)}`,
      },
      ...(resolution === null || resolvedAt === null
        ? []
        : [{ at: resolvedAt, what: resolution, detail: 'what was in quarantine' }]),
    ]),
    ...notes.map(({ metric, note, detail, notedAt }) => ({
      at: notedAt,
      what: 'doubted',
      detail: `${nameOf(metric)}: ${note} (${detail})`,
    })),
  ];
  return moments.sort((a, b) => a.at - b.at);
}

/** A line for each value, and one for all cells that lack one for the same reason. */
export function statesOf(cells: readonly Cell[]): string[] {
  const missing = new Map<string, string[]>();
  const lines: string[] = [];
  for (const { column, value, reason, detail, unwanted } of cells) {
    if (value !== null) {
      lines.push(`${column} = ${value}`);
      continue;
    }
    const state = reason === null ? 'not there yet' : detail === null ? reason : `${reason}: ${detail}`;
    const key = unwanted === null ? state : 'not wanted';
    missing.set(key, [...(missing.get(key) ?? []), column]);
  }
  return [
    ...lines,
    ...[...missing].map(([state, columns]) => `no value of ${columns.join(', ')} (${state})`),
  ];
}

/** The name under which a metric of the story is shown. */
export const namesOf =
  ({ cells }: CellStory) =>
  (code: string) =>
    cells.find(({ metric }) => metric === code)?.column ?? code;

const iso = (instant: Instant) => new Date(instant).toISOString();
const isoOrNull = (instant: Instant | null | undefined) => (instant == null ? null : iso(instant));

/** The form for programs, of `why --json` and of the API: instants in ISO 8601 (UTC), `null` for what is not. */
export function storyToJson(story: CellStory) {
  const { token, granularity, window, cells, calls, revisions, quarantine, notes, events, next } = story;
  return {
    ...{ token, granularity, backfilled: story.backfilled },
    window: { from: iso(window.start), to: iso(window.end) },
    dueAt: iso(story.dueAt),
    firstSeenAt: isoOrNull(story.firstSeenAt),
    states: statesOf(cells),
    moments: momentsOf(story, namesOf(story)).map((moment) => ({ ...moment, at: iso(moment.at) })),
    next: next.map(({ metrics, what, at }) => ({ metrics: [...metrics], what, at: isoOrNull(at) })),
    cells: cells.map((cell) => ({ ...cell, knownSince: isoOrNull(cell.knownSince) })),
    calls: calls.map((call) => ({ ...call, metrics: [...call.metrics], sentAt: iso(call.sentAt) })),
    revisions: revisions.map((each) => ({ ...each, revisedAt: iso(each.revisedAt) })),
    quarantine: quarantine.map((each) => ({
      ...each,
      firstSeenAt: iso(each.firstSeenAt),
      resolvedAt: isoOrNull(each.resolvedAt),
    })),
    notes: notes.map((each) => ({ ...each, notedAt: iso(each.notedAt) })),
    events: events.map((event) => ({ ...event, at: iso(event.at), until: iso(event.until) })),
  };
}
