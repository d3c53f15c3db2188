import { describe, expect, it } from 'vitest';
import { type TakenTurns, TurnLine } from '../../../src/store/limits/turn-line.ts';

/** Statements that a test answers one after the other, with how many callers each was for. */
function controlled() {
  const asked: { callers: number; answer: (taken: TakenTurns) => void; fail: (error: Error) => void }[] = [];
  const line = new TurnLine(
    (callers) => new Promise((answer, fail) => asked.push({ callers, answer, fail })),
  );
  const next = (place: number) => expect.poll(() => asked[place]).toBeDefined();
  return { asked, line, next };
}

describe('callers in line for turns', () => {
  it('are served together by the next statement, in the order in which they came', async () => {
    const { asked, line, next } = controlled();
    const [first, second, third] = [line.join(), line.join(), line.join()];
    expect(asked.map(({ callers }) => callers)).toEqual([1]);
    asked[0]?.answer({ turns: [0], pause: 0 });
    expect(await first).toBe(0);
    await next(1);
    expect(asked[1]?.callers).toBe(2);
    asked[1]?.answer({ turns: [10], pause: 0 });
    expect(await second).toBe(10);
    await next(2);
    asked[2]?.answer({ turns: [20], pause: 0 });
    expect(await third).toBe(20);
    expect(asked).toHaveLength(3);
  });

  it('are all told that there is no turn, or why none could be taken, and those who come later ask anew', async () => {
    const { asked, line, next } = controlled();
    const refused = [line.join(), line.join()];
    asked[0]?.answer({ turns: 'refused', pause: 0 });
    expect(await Promise.all(refused)).toEqual(['refused', 'refused']);
    const failed = [line.join(), line.join()];
    await next(1);
    asked[1]?.fail(new Error('away'));
    for (const each of failed) await expect(each).rejects.toThrow('away');
    const later = line.join();
    await next(2);
    asked[2]?.answer({ turns: [3], pause: 0 });
    expect(await later).toBe(3);
  });

  it('may leave, with the reason, even before they stand in it; no turn is asked for them then', async () => {
    const { asked, line, next } = controlled();
    const reason = new Error('enough');
    await expect(line.join(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(asked).toHaveLength(0);
    const stop = new AbortController();
    const leaving = line.join(stop.signal);
    // An hour would be too long to wait: once nobody is left, the pause is over.
    asked[0]?.answer({ turns: [], pause: 3_600_000 });
    await Promise.resolve();
    stop.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    const staying = line.join();
    await next(1);
    expect(asked[1]?.callers).toBe(1);
    asked[1]?.answer({ turns: [0], pause: 0 });
    expect(await staying).toBe(0);
  });
});
