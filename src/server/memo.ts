import type { Clock } from '../clock.ts';

/**
 * Remembers what `read` gave for a while, and shares a read that is under way: any number of scrapes cost the database
 * one. Failures are not remembered.
 *
 * @param freshFor milliseconds for which an answer is good; 0 only shares
 * @param limit milliseconds after which a read counts as failed and the next caller starts another: one that hangs on
 *   a dead connection must not outlive the trouble
 */
export function memo<T>(
  read: () => Promise<T>,
  freshFor: number,
  limit: number,
  clock: Clock,
): () => Promise<T> {
  let last: { readonly value: T; readonly at: number } | undefined;
  let reading: Promise<T> | undefined;
  const readNow = async (): Promise<T> => {
    try {
      const value = await within(read(), limit);
      last = { value, at: clock.now() };
      return value;
    } finally {
      reading = undefined;
    }
  };
  return () => {
    if (last !== undefined && clock.now() - last.at < freshFor) return Promise.resolve(last.value);
    reading ??= readNow();
    return reading;
  };
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
