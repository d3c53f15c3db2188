import { statfs } from 'node:fs/promises';
import { sql } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import type { Instant } from '../../time.ts';
import type { Reader } from '../connection/reader.ts';
import { readFacts } from '../ledger/facts.ts';
import { requests } from '../schema/index.ts';
import { columnNames, inMilliseconds, timestamptz } from '../schema/sql.ts';
import { readEvents } from './events.ts';
import { recently } from './filling.ts';
import type { ClockDifference, RecentCalls, TroubleFacts } from './troubles.ts';

/** Most events that go on which are looked at. */
const mostOpen = 20;

/** What the database knows of troubles, beside the status. */
export async function readTroubleFacts(
  reader: Reader,
  clock: Clock,
): Promise<Pick<TroubleFacts, 'open' | 'recent' | 'clocks'>> {
  const { events: open } = await readEvents(reader, { onlyOpen: true }, mostOpen);
  return { open, recent: await readRecent(reader, clock.now()), clocks: await readClocks(reader, clock) };
}

async function readRecent(reader: Reader, now: Instant): Promise<RecentCalls> {
  const { sentAt, outcome } = columnNames(requests);
  const [row] = await reader.query<RecentCalls & Record<string, unknown>>(
    'read recent calls',
    sql`
      select count(*)::float8 as calls, (count(*) filter (where ${outcome} <> 'answered'))::float8 as failed
      from ${requests} where ${sentAt} >= ${timestamptz(now - recently)}`,
  );
  return row ?? { calls: 0, failed: 0 };
}

/** The API's clock is known from its answers; the database is asked, and what passes meanwhile is not its clock's fault. */
async function readClocks(reader: Reader, clock: Clock): Promise<ClockDifference[]> {
  const sent = clock.now();
  const [row] = await reader.query<{ now: number }>(
    'look at clock',
    sql`select ${inMilliseconds(sql`clock_timestamp()`)} as now`,
  );
  const received = clock.now();
  const { value, found } = (await readFacts(reader)).clock_offset;
  return [
    ...(found === 'assumed' ? [] : [{ than: 'the API', ahead: value } as const]),
    ...(row === undefined ? [] : [{ than: 'the database', ahead: row.now - (sent + received) / 2 } as const]),
  ];
}

/** Free bytes on the disk of a folder; `undefined` where nobody can say. */
export async function freeBytesOn(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
