import type { Milliseconds } from '../time.ts';

/** Why work was given up. */
export class Overdue extends Error {
  override readonly name = 'Overdue';
}

/**
 * Does work that ends in time, whatever the libraries below do: undici of Node 20 and 22 forgets the signal of a body once
 * a garbage collection has run, so that a server that drips bytes would hold the call for ever.
 *
 * @param milliseconds from now on
 * @param work is told to stop by its signal; its result after that is dropped
 * @throws Overdue when the time is over; the outer signal's reason when that is aborted; the work's own errors
 */
export function withDeadline<T>(
  milliseconds: Milliseconds,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const stop = (reason: unknown) => {
      reject(reason);
      end.abort(reason);
    };
    const onAbort = () => stop(outer?.reason);
    const timer = setTimeout(() => stop(new Overdue()), milliseconds);
    outer?.addEventListener('abort', onAbort, { once: true });
    if (outer?.aborted === true) onAbort();
    const settle = () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    };
    end.signal.addEventListener('abort', settle, { once: true });
    work(end.signal).then(resolve, reject).finally(settle);
  });
}
