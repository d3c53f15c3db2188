import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBody } from '../../src/api/body.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** A response whose body comes in these pieces; one that is a function is called for its piece when its turn comes. */
function responseOf(count: number, piece: (number: number) => Uint8Array): Response {
  let next = 0;
  return new Response(
    new ReadableStream<Uint8Array>({
      pull(controller) {
        if (next === count) controller.close();
        else controller.enqueue(piece(next++));
      },
    }),
  );
}

describe('a body', () => {
  it('is the text that was sent, wherever it is cut into pieces', async () => {
    const text = fc.string({ unit: fc.constantFrom(...'aé比🚀"\0'), maxLength: 50 });
    const cut = fc.integer({ min: 1, max: 60 });
    await fc.assert(
      fc.asyncProperty(text, cut, fc.boolean(), async (unit, length, isLong) => {
        const whole = unit.repeat(isLong ? 6000 : 1);
        const bytes = Buffer.from(whole);
        const step = isLong ? length * 1000 : length;
        const count = Math.ceil(bytes.length / step);
        const response = responseOf(count, (number) => bytes.subarray(number * step, (number + 1) * step));
        expect(await readBody(response, bytes.length)).toBe(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('may be missing', async () => {
    expect(await readBody(new Response(null), 10)).toBe('');
  });

  it('is refused as soon as it is larger than it may be, and no more of it is asked for', async () => {
    let asked = 0;
    const endless = responseOf(Number.POSITIVE_INFINITY, () => {
      asked++;
      return new Uint8Array(1000);
    });
    await expect(readBody(endless, 5500)).rejects.toMatchObject({
      kind: 'transient',
      code: 200,
      message: 'the answer is larger than 5500 bytes',
    });
    expect(asked).toBeGreaterThanOrEqual(6);
    expect(asked).toBeLessThan(9);
  });

  it('takes its own room and little more, even where it comes byte by byte', async () => {
    const pieces = 200_000;
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let held = 0;
    const drip = responseOf(pieces, (number) => {
      if (number === pieces - 1) {
        collectGarbage();
        held = process.memoryUsage().heapUsed - before;
      }
      return Uint8Array.of(0x78);
    });
    expect(await readBody(drip, pieces)).toBe('x'.repeat(pieces));
    expect(held).toBeLessThan(4 * 2 ** 20);
  });
});
