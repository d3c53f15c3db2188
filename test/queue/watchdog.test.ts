import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { type Stall, Watchdog } from '../../src/queue/watchdog.ts';

const minute = 60_000;

/** A watchdog over one piece of work, with a clock that the test sets. */
function watched() {
  const state = { now: 0, hasWork: true, lastEndedAt: 0, isAway: false };
  const given: Stall[] = [];
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const watchdog = new Watchdog({
    work: [
      {
        name: 'fetching',
        hasWork: async () => {
          if (state.isAway) throw new Error('connection refused');
          return state.hasWork;
        },
        lastEndedAt: () => state.lastEndedAt,
      },
    ],
    log,
    now: () => state.now,
    tellAfter: 10 * minute,
    giveUpAfter: 15 * minute,
    giveUp: (stall) => given.push(stall),
  });
  const at = async (now: number) => {
    state.now = now;
    await watchdog.check();
    return watchdog.stalls;
  };
  return { state, at, given, lines };
}

describe('the watchdog', () => {
  it('tells once of work that waits while none of it ends, and gives up when that does not help', async () => {
    const { at, given, lines } = watched();
    await at(0);
    expect(await at(9 * minute)).toEqual([]);
    expect(await at(10 * minute)).toEqual([{ name: 'fetching', seconds: 600 }]);
    await at(12 * minute);
    expect(lines).toHaveLength(1);
    expect(given).toEqual([]);
    await at(15 * minute);
    expect(given).toEqual([{ name: 'fetching', seconds: 900 }]);
  });

  it('is content while any of it ends, however much waits', async () => {
    const { state, at, given } = watched();
    for (let now = 0; now < 120 * minute; now += 5 * minute) {
      state.lastEndedAt = now;
      expect(await at(now)).toEqual([]);
    }
    expect(given).toEqual([]);
  });

  it('counts from when work began to wait, not from when the last of it ended', async () => {
    const { state, at } = watched();
    state.hasWork = false;
    expect(await at(600 * minute)).toEqual([]);
    state.hasWork = true;
    await at(601 * minute);
    expect(await at(610 * minute)).toEqual([]);
    expect(await at(611 * minute)).toHaveLength(1);
  });

  it('does not blame the work for a queue that is away', async () => {
    const { state, at, given } = watched();
    await at(0);
    state.isAway = true;
    expect(await at(60 * minute)).toEqual([]);
    expect(given).toEqual([]);
  });
});
