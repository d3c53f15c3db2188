import { pino } from 'pino';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { WorkLog } from '../../src/queue/work-log.ts';

const line = z.object({ msg: z.string(), requests: z.number(), calls: z.number(), values: z.number() });

it('a worker tells what it fetched at once, then once a minute, and leaves nothing out', () => {
  const lines: z.infer<typeof line>[] = [];
  const log = pino({}, { write: (text: string) => lines.push(line.parse(JSON.parse(text))) });
  let now = 1_000_000;
  const work = new WorkLog(log, { now: () => now });
  for (let request = 0; request < 250; request++) {
    work.note({ calls: 2, values: 153 });
    now += 1000;
  }
  expect(lines.map(({ requests }) => requests)).toEqual([1, 60, 60, 60, 60]);
  for (const { requests, calls, values, msg } of lines) {
    expect([calls, values, msg]).toEqual([2 * requests, 153 * requests, 'fetched and stored']);
  }
  // A clock that was set back silences nobody.
  now -= 3_600_000;
  work.note({ calls: 1, values: 0 });
  expect(lines.at(-1)).toMatchObject({ requests: 10 });
});
