import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Behaviour } from './behaviour.ts';
import { parseBehaviour, readBehaviour } from './behaviour-text.ts';
import { type Faults, parseFaults } from './faults.ts';

/** What a control file tells: `{"faults": "error500=0.1", "behaviour": {"dayStart": "00:00"}}`, both optional. */
export interface Orders {
  readonly faults: Faults;
  readonly behaviour: Partial<Behaviour>;
}

const ordersSchema = z.strictObject({
  faults: z.string().default(''),
  behaviour: z.union([z.string(), z.record(z.string(), z.unknown())]).default(''),
});

/** @throws RangeError saying what is wrong with the text */
export function parseOrders(text: string): Orders {
  let content: unknown;
  try {
    content = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new RangeError('is no JSON such as {"faults":"error500=0.1"}');
  }
  const parsed = ordersSchema.safeParse(content);
  if (!parsed.success) throw new RangeError(parsed.error.issues.map(({ message }) => message).join('; '));
  const { faults, behaviour } = parsed.data;
  return {
    faults: parseFaults(faults),
    behaviour: typeof behaviour === 'string' ? parseBehaviour(behaviour) : readBehaviour(behaviour),
  };
}

const pollMilliseconds = 100;

/**
 * Reads a control file now and whenever it changes; where there is none, nothing is ordered.
 *
 * @param onOrders told of what the file says
 * @param onMistake told what is wrong with it; what was ordered before stays
 * @returns a function that ends it
 */
export function followControlFile(
  path: string,
  onOrders: (orders: Orders) => void,
  onMistake: (message: string) => void,
): () => void {
  let known: string | undefined;
  let lastMistake: string | undefined;
  const read = () => {
    try {
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      if (text === known) return;
      known = text;
      onOrders(parseOrders(text));
      lastMistake = undefined;
    } catch (error) {
      const mistake = error instanceof Error ? error.message : String(error);
      if (mistake !== lastMistake) onMistake(mistake);
      lastMistake = mistake;
    }
  };
  read();
  // Comparing what it holds misses no change, as the watchers of files may.
  const timer = setInterval(read, pollMilliseconds).unref();
  return () => clearInterval(timer);
}
