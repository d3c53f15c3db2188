import { describe, expect, it, vi } from 'vitest';
import { SharedReading } from '../../src/ingest/shared-reading.ts';

describe('a shared reading', () => {
  it('sends one statement for all who ask at the same time, and another for who asks later', async () => {
    const read = vi.fn(async () => read.mock.calls.length);
    const reading = new SharedReading(read, () => {});
    expect(await Promise.all([reading.get(), reading.get()])).toEqual([1, 1]);
    expect(await reading.get()).toBe(2);
  });

  it('keeps nothing that was read before it was told to forget', async () => {
    const answers: ((value: string) => void)[] = [];
    const kept: string[] = [];
    const reading = new SharedReading(
      () => new Promise<string>((done) => answers.push(done)),
      (value) => kept.push(value),
    );
    const before = reading.get();
    reading.forget();
    const after = reading.get();
    answers[1]?.('new');
    expect(await after).toBe('new');
    answers[0]?.('old');
    expect(await before).toBe('old');
    expect(kept).toEqual(['new']);
  });

  it('tells all who ask of a failure, and sends the statement anew for the next', async () => {
    const read = vi.fn(async () => 'read').mockRejectedValueOnce(new Error('gone'));
    const reading = new SharedReading(read, () => {});
    const both = await Promise.allSettled([reading.get(), reading.get()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await reading.get()).toBe('read');
  });
});
