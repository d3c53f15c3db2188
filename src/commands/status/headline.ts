import { describeDoubt } from '../../store/ledger/doubted-lists.ts';
import type { StoredEvent } from '../../store/reports/events.ts';
import type { Filling } from '../../store/reports/filling.ts';
import { isQuiet } from '../../store/reports/freshness.ts';
import type { GranularityStatus, Status } from '../../store/reports/status.ts';
import { count, counted, duration } from '../output.ts';
import type { Times } from '../times.ts';

/** What is wrong, and what to do about it: the worst first, for it explains the rest; pure. */

export interface Trouble {
  readonly what: string;
  readonly remedy: string;
}

/** Windows behind from which a granularity is late. */
const late = 3;

/** @param open events that go on */
export function troublesOf(status: Status, open: readonly StoredEvent[], times: Times): readonly Trouble[] {
  return [
    ...refused(status, times),
    ...outages(open, times),
    ...neverStored(status),
    ...behind(status),
    ...thin(status),
    ...doubted(status, times),
    ...dropped(status),
  ];
}

function refused({ accessRefused }: Status, { minute }: Times): Trouble[] {
  if (accessRefused === undefined) return [];
  const { openedAt, reason, probeAt } = accessRefused;
  return [
    {
      what: `ACCESS REFUSED since ${minute(openedAt)}: ${reason}`,
      remedy: `check the credentials, and that this address is on the key's whitelist; next probe ${minute(probeAt)}`,
    },
  ];
}

const remedies: Readonly<Partial<Record<StoredEvent['kind'], string>>> = {
  'api outage': 'wait: what is missing is asked for again by itself',
  'queue outage': 'start Redis, or see that it takes writes; nothing is lost meanwhile',
  stalled: 'restart the process that stalled, if its supervisor has not done so',
};

function outages(open: readonly StoredEvent[], { minute }: Times): Trouble[] {
  return open.flatMap(({ kind, at, message }) => {
    const remedy = remedies[kind];
    return remedy === undefined
      ? []
      : [{ what: `${kind.toUpperCase()} since ${minute(at)}: ${message}`, remedy }];
  });
}

function neverStored({ granularities, lastCall }: Status): Trouble[] {
  const due = granularities.filter(({ newestDue }) => newestDue !== undefined);
  if (due.length === 0 || due.some(({ newestStored }) => newestStored !== undefined)) return [];
  return [
    {
      what: lastCall === undefined ? 'NOTHING was ever asked of the API' : 'NO VALUE has come yet',
      remedy: 'run `start` and leave it running; `doctor` checks the settings',
    },
  ];
}

function behind({ granularities }: Status): Trouble[] {
  const found = granularities.filter(({ windowsBehind = 0 }) => windowsBehind >= late);
  if (found.length === 0) return [];
  const parts = found.map(
    ({ granularity, windowsBehind = 0 }) => `${granularity} by ${counted(windowsBehind, 'window')}`,
  );
  return [
    {
      what: `LATE: ${parts.join(', ')}`,
      remedy: 'see that `start` is running; `events` and `gaps` say what keeps them',
    },
  ];
}

function thin({ granularities }: Status): Trouble[] {
  const isThin = ({ tokens }: GranularityStatus) => tokens !== undefined && isQuiet(tokens);
  const parts = granularities
    .filter(isThin)
    .map(
      ({ granularity, tokens }) =>
        `${granularity} has ${count(tokens?.tokens ?? 0)} of usually ${count(tokens?.usual ?? 0)} tokens`,
    );
  if (parts.length === 0) return [];
  return [
    {
      what: `FEW TOKENS in the newest window: ${parts.join(', ')}`,
      remedy: 'they are asked for again; if it lasts, ask the vendor',
    },
  ];
}

function doubted({ doubtedList, suspects }: Status, { minute }: Times): Trouble[] {
  const lists =
    doubtedList === undefined
      ? []
      : [
          {
            what: `TOKEN LIST DOUBTED since ${minute(doubtedList.since)}: ${describeDoubt(doubtedList)}`,
            remedy: `all stay in use; asked again ${minute(doubtedList.askAt)}`,
          },
        ];
  return [
    ...lists,
    ...suspects.map(({ granularity, cells, tokens, since, askAt }) => ({
      what: `SUSPECT: ${counted(cells, 'value')} of ${granularity} (${counted(tokens, 'token')}) came as nothing since ${minute(since)}`,
      remedy: `asked for again from ${minute(askAt)} on, believed after a day`,
    })),
  ];
}

function dropped({ granularities }: Status): Trouble[] {
  const parts = granularities.filter((part) => part.dropped > 0);
  if (parts.length === 0) return [];
  const amounts = parts.map((part) => `${counted(part.dropped, 'value')} of ${part.granularity}`);
  return [
    {
      what: `DROPPED HERE: ${amounts.join(', ')}`,
      remedy:
        '`backfill --refresh` or REFETCH_DROPPED=on fetches them again; `gaps --reason "dropped here"` says which',
    },
  ];
}

/** 'filling 3.6 %, 14 h left' */
export function describeFilling({ share, left, secondsLeft }: Filling): string {
  // Never rounded up to all.
  const percent = (Math.floor(share * 1000) / 10).toFixed(1);
  return secondsLeft === undefined
    ? `filling ${percent} %, ${counted(left, 'value')} left; nothing was filled in the last ten minutes: is \`start\` running?`
    : `filling ${percent} %, ${duration(secondsLeft)} left`;
}
