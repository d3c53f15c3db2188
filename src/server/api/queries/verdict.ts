import type { z } from 'zod';
import { isQuiet } from '../../../store/reports/freshness.ts';
import type * as schemas from '../schemas/index.ts';

/** One sentence on how things are and one on what to do about it; pure. The worst comes first, for it explains the rest. */

type Facts = Omit<z.output<typeof schemas.now>, 'verdict'>;
type Freshness = z.output<typeof schemas.freshness>;
type Verdict = z.output<typeof schemas.verdict>;

/** Windows behind from which a granularity is late. */
const late = 2;

/** Bytes of free disk below which somebody should look. */
const littleDisk = 2e9;

const checks: readonly ((facts: Facts) => Verdict | undefined)[] = [
  refused,
  silentQueue,
  failing,
  fullDisk,
  neverAnything,
  lateWindows,
  thinWindows,
  stillFilling,
];

export function judge(facts: Facts): Verdict {
  for (const check of checks) {
    const verdict = check(facts);
    if (verdict !== undefined) return verdict;
  }
  return { level: 'well', sentence: 'All is well: every window that is due is here.', remedy: null };
}

function refused({ access }: Facts): Verdict | undefined {
  if (access === null) return undefined;
  return {
    level: 'bad',
    sentence: `The API refuses access: ${access.reason}.`,
    remedy:
      "Check the credentials, and that this machine's address is on the key's whitelist. The program asks again once a minute and goes on by itself.",
  };
}

function silentQueue({ queue }: Facts): Verdict | undefined {
  if (queue !== null) return undefined;
  return {
    level: 'bad',
    sentence: 'The queue does not answer, so that nothing is fetched.',
    remedy: 'Start Redis, or correct REDIS_URL; `doctor` says what it finds. Nothing is lost meanwhile.',
  };
}

function failing({ calls: { recent, recentFailed, last } }: Facts): Verdict | undefined {
  if (recent < 3 || recentFailed < recent / 2 || last?.outcome === 'answered') return undefined;
  const reason = last?.message ? `, the last with: ${last.message}` : '';
  return {
    level: 'bad',
    sentence: `${count(recentFailed)} of the last ${count(recent)} calls to the API failed${reason}.`,
    remedy:
      'Look at the calls under Trouble. If the API itself is down, wait: what is missing is asked for again every five minutes.',
  };
}

function fullDisk({ database: { diskFreeBytes } }: Facts): Verdict | undefined {
  if (diskFreeBytes === null || diskFreeBytes >= littleDisk) return undefined;
  return {
    level: 'warning',
    sentence: `The disk of the database has ${(diskFreeBytes / 1e9).toFixed(1)} GB left.`,
    remedy: 'Make room, or move DATA_DIR to a larger disk. A full disk stops the pipeline and loses nothing.',
  };
}

function neverAnything({ granularities, calls }: Facts): Verdict | undefined {
  const isEmpty =
    granularities.length > 0 && granularities.every(({ newestStored }) => newestStored === null);
  if (!isEmpty || granularities.every(({ newestDue }) => newestDue === null)) return undefined;
  const hasCalled = calls.last !== null;
  return {
    level: 'warning',
    sentence: hasCalled ? 'No value has come yet.' : 'Nothing was ever asked of the API.',
    remedy: hasCalled
      ? 'Look at the calls under Trouble, and run `doctor`.'
      : 'Run `start`, and leave it running; `doctor` checks the settings.',
  };
}

function lateWindows({ granularities }: Facts): Verdict | undefined {
  const behind = granularities.filter(({ windowsBehind }) => (windowsBehind ?? 0) > late);
  if (behind.length === 0) return undefined;
  const parts = behind.map(
    ({ granularity, windowsBehind }) => `${granularity} by ${count(windowsBehind ?? 0)}`,
  );
  return {
    level: 'bad',
    sentence: `Windows are late: ${parts.join(', ')}.`,
    remedy:
      'See that `start` is running, and look at the calls under Trouble. Missing windows are fetched by themselves once calls succeed.',
  };
}

function thinWindows({ granularities }: Facts): Verdict | undefined {
  const isThin = ({ usual, tokensThere, windowsBehind }: Freshness) =>
    windowsBehind === 0 && isQuiet({ tokens: tokensThere, usual: usual ?? undefined });
  const found = granularities.filter(isThin);
  if (found.length === 0) return undefined;
  const parts = found.map(
    ({ granularity, tokensThere, usual }) =>
      `${granularity} has ${count(tokensThere)} of usually ${count(usual ?? 0)}`,
  );
  return {
    level: 'warning',
    sentence: `Fewer tokens than usual in the newest window: ${parts.join(', ')}.`,
    remedy: 'The API may be late with them; they are asked for again. If it lasts, ask the vendor.',
  };
}

function stillFilling({ filling }: Facts): Verdict | undefined {
  if (filling === null) return undefined;
  return {
    level: 'busy',
    sentence: `All is well; history is being filled, ${(Math.floor(filling.share * 1000) / 10).toFixed(1)} % is here.`,
    remedy: null,
  };
}

const count = (number: number) => Math.round(number).toLocaleString('en-US');
