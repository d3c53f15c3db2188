import type { Instant, Milliseconds } from '../../time.ts';
import { describeDoubt } from '../ledger/doubted-lists.ts';
import { everyRequestWrong } from '../limits/breaker.ts';
import type { StoredEvent } from './events.ts';
import type { Filling } from './filling.ts';
import { isQuiet } from './freshness.ts';
import type { GranularityStatus, Status } from './status.ts';
import type { TroubleKind } from './trouble-kinds.ts';

/**
 * What is wrong, and what to do about it: the one list that `status` prints and the page begins with. The worst comes
 * first, for it explains the rest; pure.
 */

/** `bad`: data do not come, or cannot be trusted. `warning`: somebody should look. `note`: it is being taken care of. */
export type TroubleLevel = 'bad' | 'warning' | 'note';

export interface Trouble {
  readonly kind: TroubleKind;
  readonly level: TroubleLevel;
  /** The trouble in two or three words. */
  readonly headline: string;
  readonly since: Instant | undefined;
  readonly detail: string;
  readonly remedy: string;
  /** When the program tries again by itself; `undefined` where it says nothing of that. */
  readonly again: Instant | undefined;
}

/** Calls of the last ten minutes. */
export interface RecentCalls {
  readonly calls: number;
  readonly failed: number;
}

/** How far another clock is ahead of this machine's; negative where it is behind. */
export interface ClockDifference {
  readonly than: 'the API' | 'the database';
  readonly ahead: Milliseconds;
}

export interface TroubleFacts {
  readonly status: Status;
  /** Events that go on. */
  readonly open: readonly StoredEvent[];
  readonly recent: RecentCalls;
  readonly clocks: readonly ClockDifference[];
  /** What keeps the queue from answering; `undefined` where it does. */
  readonly queueProblem: string | undefined;
  /** On the disk of the embedded database; `undefined` elsewhere. */
  readonly diskFreeBytes: number | undefined;
}

/** Differences of clocks that do no harm yet, and that do: windows are asked for by this machine's clock. */
export const noticeableDifference: Milliseconds = 10_000;
export const harmfulDifference: Milliseconds = 60_000;

/** Bytes of free disk below which somebody should look. */
const littleDisk = 2e9;

/** What helps, by kind; `doctor` says the same where it finds the same. */
export const remedies = {
  access:
    "check the credentials, and that this machine's address is on the key's whitelist; then it goes on by itself",
  queue: 'start Redis, or correct REDIS_URL, or see that it takes writes; nothing is lost meanwhile',
  api: 'wait: what is missing is asked for again by itself; if it lasts, check CRYPTORACLE_BASE_URL and the network, or ask the vendor',
  database: 'start PostgreSQL, or correct DATABASE_URL; fetching goes on by itself once it answers',
  clock: 'have the clocks set by NTP: which windows are due depends on them',
  stalled: 'restart the process that stalled, if its supervisor has not done so',
  disk: 'make room, or move DATA_DIR to a larger disk; a full disk stops the pipeline and loses nothing',
  'nothing yet': 'run `start` and leave it running; `doctor` checks the settings',
  late: 'see that `start` is running; `events` and `gaps` say what keeps them',
  'few tokens': 'they are asked for again; if it lasts, ask the vendor',
  'token list': 'all stay in use until the API has said so for an hour',
  'history paused': '`resume`, or the page of backfills, has it go on',
  suspect: 'they are asked for again, and believed after a day',
  'dropped here':
    '`backfill --refresh` or REFETCH_DROPPED=on fetches them again; `gaps --reason "dropped here"` says which',
} as const satisfies Readonly<Record<TroubleKind, string>>;

interface Found {
  readonly kind: TroubleKind;
  readonly level: TroubleLevel;
  readonly headline: string;
  readonly detail: string;
  readonly since?: Instant | undefined;
  readonly again?: Instant | undefined;
  /** Where it is another than that of the kind. */
  readonly remedy?: string;
}

export function troublesOf(facts: TroubleFacts): readonly Trouble[] {
  const found: readonly Found[] = [
    ...refused(facts),
    ...silentQueue(facts),
    ...silentApi(facts),
    ...databaseOutage(facts),
    ...wrongClock(facts),
    ...toldByEvent(facts, 'stalled', 'bad'),
    ...fullDisk(facts),
    ...neverStored(facts),
    ...behind(facts),
    ...thin(facts),
    ...doubted(facts),
    ...toldByEvent(facts, 'history paused', 'note'),
    ...suspected(facts),
    ...dropped(facts),
  ];
  return found.map(({ kind, level, headline, detail, since, again, remedy = remedies[kind] }) => ({
    ...{ kind, level, headline, since, detail, again, remedy },
  }));
}

/** How things are, all in all. */
export interface Verdict {
  readonly level: 'well' | 'busy' | 'warning' | 'bad';
  readonly sentence: string;
  readonly remedy: string | null;
}

/** @param parts whose missing tokens are named where all is well */
export function verdictOf(
  troubles: readonly Trouble[],
  filling: Filling | undefined,
  parts: readonly Pick<GranularityStatus, 'granularity' | 'missing'>[],
): Verdict {
  const worst =
    troubles.find(({ level }) => level === 'bad') ?? troubles.find(({ level }) => level === 'warning');
  if (worst !== undefined) {
    const { level, headline, detail, remedy } = worst;
    return {
      level: level === 'bad' ? 'bad' : 'warning',
      sentence: `${capitalised(headline)}: ${detail}.`,
      remedy: `${capitalised(remedy)}.`,
    };
  }
  if (filling === undefined) return wellOf(parts);
  return { level: 'busy', sentence: busySentence(troubles, filling), remedy: null };
}

function busySentence(troubles: readonly Trouble[], { share, left }: Filling): string {
  const percent = `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
  if (troubles.some(({ kind }) => kind === 'history paused')) {
    return `All is well; history is paused, ${percent} is here.`;
  }
  if (share < nearlyAll) return `All is well; history is being filled, ${percent} is here.`;
  return `All is well; the last ${left === 1 ? 'value is' : `${count(left)} values are`} being fetched.`;
}

/** From this share on the newest windows alone may be what is left. */
const nearlyAll = 0.99;

/** So many tokens of a granularity are named. */
const fewNames = 3;

/** All is well; what the API has no value of, though it was asked, is named. */
function wellOf(parts: readonly Pick<GranularityStatus, 'granularity' | 'missing'>[]): Verdict {
  const lacking = parts.flatMap(({ granularity, missing = [] }) => {
    if (missing.length === 0) return [];
    const more = missing.length - fewNames;
    const names = missing.slice(0, fewNames).join(', ');
    return [`${granularity} of ${names}${more > 0 ? ` and ${count(more)} more` : ''}`];
  });
  if (lacking.length === 0) {
    return { level: 'well', sentence: 'All is well: every window that is due is here.', remedy: null };
  }
  return {
    level: 'well',
    sentence: 'All is well: everything that is due was asked for.',
    remedy: `The API had no value in the newest window: ${lacking.join('; ')}. Nothing is to be done: they are asked for again.`,
  };
}

const capitalised = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

function refused({ status: { accessRefused } }: TroubleFacts): Found[] {
  if (accessRefused === undefined) return [];
  const { openedAt: since, reason: detail, probeAt: again, code } = accessRefused;
  const trouble = { kind: 'access', level: 'bad', since, detail, again } as const;
  return code === everyRequestWrong
    ? [{ ...trouble, headline: 'every request refused', remedy: calibrate }]
    : [{ ...trouble, headline: 'access refused' }];
}

/** What helps where the API does not understand us. */
const calibrate = '`doctor --calibrate` finds out how the API wants them; then restart the processes';

/** The outage as the pipeline has noted it, which says since when, or as whoever asks has found it. */
function silentQueue({ open, queueProblem }: TroubleFacts): Found[] {
  const event = open.find(({ kind }) => kind === 'queue outage');
  const detail = event?.message ?? queueProblem;
  return detail === undefined
    ? []
    : [{ kind: 'queue', level: 'bad', headline: 'queue outage', since: event?.at, detail }];
}

/** With fewer calls a share of failures says nothing. */
const fewestCalls = 3;

function silentApi({ open, recent, status: { lastCall, accessRefused } }: TroubleFacts): Found[] {
  const trouble = { kind: 'api', level: 'bad', headline: 'API outage' } as const;
  const event = open.find(({ kind }) => kind === 'api outage');
  if (event !== undefined) return [{ ...trouble, since: event.at, detail: event.message }];
  const { calls, failed } = recent;
  const isFailing = calls >= fewestCalls && failed >= calls / 2 && lastCall?.outcome !== 'answered';
  if (!isFailing || accessRefused !== undefined) return [];
  const reason = lastCall?.message ? `, the last with: ${lastCall.message}` : '';
  return [
    { ...trouble, detail: `${count(failed)} of the last ${count(calls)} calls to the API failed${reason}` },
  ];
}

/** One that answers readers, and was away or took no writes when the pipeline last tried. */
function databaseOutage({ open }: TroubleFacts): Found[] {
  return open
    .filter(({ kind }) => kind === 'database outage')
    .slice(0, 1)
    .map(({ at, message }) => ({
      ...({ kind: 'database', level: 'bad', headline: 'database outage' } as const),
      since: at,
      detail: message,
    }));
}

function wrongClock({ clocks }: TroubleFacts): Found[] {
  const wrong = clocks.filter(({ ahead }) => Math.abs(ahead) > noticeableDifference);
  if (wrong.length === 0) return [];
  const parts = wrong.map(
    ({ than, ahead }) =>
      `${(Math.abs(ahead) / 1000).toFixed(0)} s ${ahead < 0 ? 'ahead of' : 'behind'} that of ${than}`,
  );
  const isHarmful = wrong.some(({ ahead }) => Math.abs(ahead) > harmfulDifference);
  return [
    {
      kind: 'clock',
      level: isHarmful ? 'bad' : 'warning',
      headline: 'clocks differ',
      detail: `this machine's clock is ${parts.join(', ')}`,
    },
  ];
}

/** A trouble that an event tells as long as it is open. */
function toldByEvent(
  { open }: TroubleFacts,
  kind: 'stalled' | 'history paused',
  level: Found['level'],
): Found[] {
  return open
    .filter((event) => event.kind === kind)
    .map(({ at, message }) => ({ kind, level, headline: kind, since: at, detail: message }));
}

function fullDisk({ diskFreeBytes }: TroubleFacts): Found[] {
  if (diskFreeBytes === undefined || diskFreeBytes >= littleDisk) return [];
  const detail = `the disk of the database has ${(diskFreeBytes / 1e9).toFixed(1)} GB left`;
  return [{ kind: 'disk', level: 'warning', headline: 'disk nearly full', detail }];
}

function neverStored({ status: { granularities, lastCall } }: TroubleFacts): Found[] {
  const due = granularities.filter(({ newestDue }) => newestDue !== undefined);
  if (due.length === 0 || due.some(({ newestStored }) => newestStored !== undefined)) return [];
  const detail = lastCall === undefined ? 'nothing was ever asked of the API' : 'no value has come';
  return [{ kind: 'nothing yet', level: 'warning', headline: 'nothing yet', detail }];
}

function behind({ status: { granularities } }: TroubleFacts): Found[] {
  const late = granularities.flatMap(({ granularity, lateSince, windowsBehind = 0 }) =>
    lateSince === undefined
      ? []
      : [{ since: lateSince, text: `${granularity} by ${counted(windowsBehind, 'window')}` }],
  );
  if (late.length === 0) return [];
  const since = Math.min(...late.map((each) => each.since));
  const detail = late.map(({ text }) => text).join(', ');
  return [{ kind: 'late', level: 'bad', headline: 'late', since, detail }];
}

function thin({ status: { granularities } }: TroubleFacts): Found[] {
  const isThin = ({ tokens }: GranularityStatus) => tokens !== undefined && isQuiet(tokens);
  const parts = granularities
    .filter(isThin)
    .map(
      ({ granularity, tokens }) =>
        `${granularity} has ${count(tokens?.tokens ?? 0)} of usually ${count(tokens?.usual ?? 0)}`,
    );
  if (parts.length === 0) return [];
  const detail = `in the newest window ${parts.join(', ')}`;
  return [{ kind: 'few tokens', level: 'warning', headline: 'few tokens', detail }];
}

function doubted({ status: { doubtedList } }: TroubleFacts): Found[] {
  if (doubtedList === undefined) return [];
  const { since, askAt: again } = doubtedList;
  const detail = describeDoubt(doubtedList);
  return [{ kind: 'token list', level: 'warning', headline: 'token list doubted', since, detail, again }];
}

function suspected({ status: { suspects } }: TroubleFacts): Found[] {
  return suspects.map(({ granularity, cells, tokens, since, askAt }) => ({
    ...({ kind: 'suspect', level: 'note', headline: 'suspect' } as const),
    since,
    detail: `${counted(cells, 'value')} of ${granularity} (${counted(tokens, 'token')}) came as nothing`,
    again: askAt,
  }));
}

function dropped({ status: { granularities } }: TroubleFacts): Found[] {
  const parts = granularities
    .filter((part) => part.dropped > 0)
    .map((part) => `${counted(part.dropped, 'value')} of ${part.granularity}`);
  return parts.length === 0
    ? []
    : [{ kind: 'dropped here', level: 'note', headline: 'dropped here', detail: parts.join(', ') }];
}

const count = (number: number) => Math.round(number).toLocaleString('en-US');
const counted = (number: number, unit: string) => `${count(number)} ${unit}${number === 1 ? '' : 's'}`;

/** The form for programs, of `status --json` and of the API: instants in ISO 8601 (UTC). */
export function troubleToJson({ since, again, ...trouble }: Trouble) {
  const iso = (instant: Instant | undefined) =>
    instant === undefined ? null : new Date(instant).toISOString();
  return { ...trouble, since: iso(since), again: iso(again) };
}
