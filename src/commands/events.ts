import { Command, InvalidArgumentError } from 'commander';
import type { Granularity } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import { type EventFilter, readEvents, type StoredEvent } from '../store/reports/events.ts';
import { type EventKind, eventKinds } from '../store/schema/events.ts';
import { visibleLine } from '../terminal.ts';
import { parseGranularities, parseInstant, parseItems, parsePositive } from './options.ts';
import { count, duration, printJson, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { iso, type Times, timesIn, utcOption, wrapped } from './times.ts';

interface EventsOptions {
  readonly kind?: readonly EventKind[];
  readonly granularity?: readonly Granularity[];
  readonly since?: number;
  readonly before?: number;
  readonly open?: true;
  readonly limit: number;
  readonly utc?: true;
  readonly json?: true;
}

const linesByDefault = 40;

const kinds = Object.entries(eventKinds);

export const eventsCommand = new Command('events')
  .option('--kind <list>', 'only these kinds, by the words below', parseKinds)
  .option('--since <date>', 'what happened, or still went on, since then', parseInstant)
  .option('--before <date>', 'what began before', parseInstant)
  .option('--granularity <list>', 'only about these of 15m,1h,4h,1d', parseGranularities)
  .option('--open', 'only what goes on still')
  .option('--limit <n>', 'most events, the newest', parsePositive, linesByDefault)
  .option(...utcOption)
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    `\nKinds:\n${kinds.map(([kind, meaning]) => `  ${kind.padEnd(16)} ${meaning}\n`).join('')}`,
  )
  .action((options: EventsOptions) => runCommand((context) => listEvents(options, context)));

const isKind = (text: string): text is EventKind => Object.hasOwn(eventKinds, text);

function parseKinds(text: string): readonly EventKind[] {
  return parseItems(text, (item) => {
    if (!isKind(item)) {
      throw new InvalidArgumentError(
        `Unknown kind '${item}'; there are ${kinds.map(([kind]) => `"${kind}"`).join(', ')}.`,
      );
    }
    return item;
  });
}

async function listEvents(options: EventsOptions, { runtime }: CommandContext): Promise<number> {
  const { since, before, granularity, kind, open, limit } = options;
  if (since !== undefined && before !== undefined && since >= before) {
    throw new UserError('--since must lie before --before');
  }
  const database = await runtime.openExistingDatabase();
  const filter: EventFilter = {
    ...{ kinds: kind, granularities: granularity, since, before, onlyOpen: open },
  };
  const { events, total } = await readEvents(database, filter, limit);
  if (options.json === true) {
    printJson(events.map((event) => ({ ...event, at: iso(event.at), until: iso(event.until) })));
    return 0;
  }
  if (events.length === 0) {
    writeOut('nothing happened that these options choose\n');
    return 0;
  }
  const times = timesIn(options.utc);
  const now = runtime.clock.now();
  writeOut(events.map((event) => describe(event, times, now)).join(''));
  const more = total > events.length ? `, of ${count(total)}; --limit ${total} lists all` : '';
  writeOut(`${count(events.length)} events (times in ${times.zone})${more}\n`);
  return 0;
}

/** A line with when, what and how long, and the message below. */
export function describe(event: StoredEvent, times: Times, now: number): string {
  const { at, until, isOpen, kind, granularity, message } = event;
  const lasted = ((isOpen ? now : until) - at) / 1000;
  const notes = [
    ...(granularity === null ? [] : [granularity]),
    ...(isOpen ? [`for ${duration(lasted)} until now`] : lasted >= 1 ? [`for ${duration(lasted)}`] : []),
    ...(event.times > 1 ? [`${count(event.times)} times`] : []),
  ];
  const head = [times.minute(at), isOpen ? kind.toUpperCase() : kind, notes.join(', ')].join('  ').trimEnd();
  return `${visibleLine(head)}\n${wrapped(visibleLine(message), '                  ')}`;
}
