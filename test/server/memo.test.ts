import { afterEach, describe, expect, it, vi } from 'vitest';
import { keepKnown, knownSoon, memo } from '../../src/server/memo.ts';
import { ManualClock } from '../support/clock.ts';
import { now } from './fakes.ts';

afterEach(() => vi.useRealTimers());

describe('a memo', () => {
  it('reads once while the answer is fresh, and again after', async () => {
    const clock = new ManualClock(now);
    let reads = 0;
    const read = memo(async () => ++reads, 2000, 1000, clock);
    expect(await read()).toBe(1);
    clock.advance(1999);
    expect(await read()).toBe(1);
    clock.advance(1);
    expect(await read()).toBe(2);
  });

  it('tells what it knows without reading, and reads again after the clock was set back', async () => {
    const clock = new ManualClock(now);
    let reads = 0;
    const read = memo(async () => ++reads, 2000, 1000, clock);
    expect(read.known(60_000)).toBeUndefined();
    await read();
    clock.advance(30_000);
    expect([read.known(60_000), read.known(30_000), reads]).toEqual([1, undefined, 1]);
    clock.advance(-90_000);
    expect([read.known(60_000), await read()]).toEqual([undefined, 2]);
    read.forget();
    expect(await read()).toBe(3);
  });

  it('shares a read that is under way', async () => {
    let reads = 0;
    const read = memo(async () => ++reads, 0, 1000, new ManualClock(now));
    expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
    expect(await read()).toBe(2);
  });

  it('does not remember a failure', async () => {
    const read = vi.fn(async () => 'well').mockRejectedValueOnce(new Error('gone'));
    const remembered = memo(read, 2000, 1000, new ManualClock(now));
    await expect(remembered()).rejects.toThrow('gone');
    expect(await remembered()).toBe('well');
  });

  it('is waited for only as long as somebody has patience, and not where it knows', async () => {
    vi.useFakeTimers();
    let finish = (_: string) => {};
    const read = vi
      .fn(async () => 'later')
      .mockReturnValueOnce(
        new Promise((done) => {
          finish = done;
        }),
      )
      .mockRejectedValueOnce(new Error('gone'));
    const clock = new ManualClock(now);
    const remembered = memo(read, 2000, 20_000, clock);
    const impatient = knownSoon(remembered, 60_000, 500);
    const patient = knownSoon(remembered, 60_000, 10_000);
    await vi.advanceTimersByTimeAsync(500);
    expect(await impatient).toBeUndefined();
    finish('well');
    expect(await patient).toBe('well');
    clock.advance(59_999);
    expect(await knownSoon(remembered, 60_000, 500)).toBe('well');
    expect(read).toHaveBeenCalledTimes(1);
    clock.advance(1);
    expect(await knownSoon(remembered, 60_000, 500)).toBeUndefined();
    expect(await knownSoon(remembered, 60_000, 500)).toBe('later');
  });

  it('knows what nobody has asked for, until it is told to stop', async () => {
    vi.useFakeTimers();
    const read = vi
      .fn(async () => 'later')
      .mockRejectedValueOnce(new Error('gone'))
      .mockResolvedValueOnce('well');
    const remembered = memo(read, 2000, 20_000, new ManualClock(now));
    const stop = keepKnown(remembered, 50_000);
    await vi.advanceTimersByTimeAsync(99_999);
    expect(remembered.known(60_000)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(remembered.known(60_000)).toBe('well');
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives up a read that hangs, and starts another for the next caller', async () => {
    vi.useFakeTimers();
    const read = vi.fn(async () => 'well').mockReturnValueOnce(new Promise(() => {}));
    const remembered = memo(read, 2000, 1500, new ManualClock(now));
    const hanging = expect(remembered()).rejects.toThrow('no answer within 1.5 s');
    await vi.advanceTimersByTimeAsync(1500);
    await hanging;
    expect(await remembered()).toBe('well');
    expect(vi.getTimerCount()).toBe(0);
  });
});
