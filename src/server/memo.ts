import type { Clock } from '../clock.ts';

/** Reads, or gives what was read a moment ago. */
export interface Memo<T> {
  (): Promise<T>;
  /** What was read last, where that is not longer ago than so many milliseconds. */
  known(longest: number): T | undefined;
  /** Has the next caller read: something was changed. */
  forget(): void;
}

/**
 * Remembers what `read` gave for a while, and shares a read that is under way: any number of scrapes cost the database
 * one. Failures are not remembered.
 *
 * @param freshFor milliseconds for which an answer is good; 0 only shares
 * @param limit milliseconds after which a read counts as failed and the next caller starts another: one that hangs on
 *   a dead connection must not outlive the trouble
 */
export function memo<T>(read: () => Promise<T>, freshFor: number, limit: number, clock: Clock): Memo<T> {
  let last: { readonly value: T; readonly at: number } | undefined;
  let reading: Promise<T> | undefined;
  let changes = 0;
  const readNow = async (): Promise<T> => {
    const before = changes;
    try {
      const value = await within(read(), limit);
      if (changes === before) last = { value, at: clock.now() };
      return value;
    } finally {
      if (changes === before) reading = undefined;
    }
  };
  const known = (longest: number) => {
    if (last === undefined) return undefined;
    const age = clock.now() - last.at;
    // What lies ahead is from before the clock was set back.
    return age >= 0 && age < longest ? last.value : undefined;
  };
  const readOrRemember = () => {
    const value = known(freshFor);
    if (value !== undefined) return Promise.resolve(value);
    reading ??= readNow();
    return reading;
  };
  const forget = () => {
    changes++;
    last = undefined;
    reading = undefined;
  };
  return Object.assign(readOrRemember, { known, forget });
}

/**
 * What was read last where that is not longer ago than `longest` milliseconds, or what is read within `patience`;
 * `undefined` where nothing is, or reading fails.
 */
export function knownSoon<T>(memo: Memo<T>, longest: number, patience: number): Promise<T | undefined> {
  const known = memo.known(longest);
  return known === undefined ? within(memo(), patience).catch(() => undefined) : Promise.resolve(known);
}

/** Has it read every so many milliseconds, whoever asks. @returns what ends that */
export function keepKnown<T>(memo: Memo<T>, every: number): () => void {
  const timer = setInterval(() => void memo().catch(() => {}), every);
  return () => clearInterval(timer);
}

async function within<T>(work: Promise<T>, limit: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s`)), limit);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
