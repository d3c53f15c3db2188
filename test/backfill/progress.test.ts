import { describe, expect, it } from 'vitest';
import { displayedState, measure } from '../../src/backfill/progress.ts';

const now = Date.UTC(2026, 2, 1);

describe('the progress of an order', () => {
  it('is the share of the values ordered that are there', () => {
    expect(measure({ valuesOrdered: 200 }, { valuesLeft: 50, at: now }).done).toBe(0.75);
    expect(measure({ valuesOrdered: 200 }, { valuesLeft: 0, at: now }).done).toBe(1);
  });

  it('is none where more is missing than was when it was placed, never less', () => {
    expect(measure({ valuesOrdered: 200 }, { valuesLeft: 300, at: now }).done).toBe(0);
  });

  it('is whole where nothing was ordered', () => {
    expect(measure({ valuesOrdered: undefined }, { valuesLeft: 0, at: now }).done).toBe(1);
  });

  it('has the values a second since an earlier look, and none before there was one', () => {
    const earlier = { valuesLeft: 1000, at: now - 4000 };
    expect(measure({ valuesOrdered: 2000 }, { valuesLeft: 200, at: now }, earlier).rate).toBe(200);
    expect(measure({ valuesOrdered: 2000 }, { valuesLeft: 200, at: now }).rate).toBe(0);
    // Somebody has made more missing meanwhile.
    expect(measure({ valuesOrdered: 2000 }, { valuesLeft: 1100, at: now }, earlier).rate).toBe(0);
  });
});

describe('the state of an order as people see it', () => {
  const running = { state: 'running', startedAt: now - 600_000 } as const;

  it('is running while a process gave a sign of life within a minute', () => {
    expect(displayedState({ ...running, heartbeatAt: now - 20_000 }, now)).toBe('running');
    expect(displayedState({ ...running, startedAt: now - 1000, heartbeatAt: undefined }, now)).toBe(
      'running',
    );
  });

  it('is died where none did for longer', () => {
    expect(displayedState({ ...running, heartbeatAt: now - 20_001 }, now)).toBe('died');
    expect(displayedState({ ...running, heartbeatAt: undefined }, now)).toBe('died');
  });

  it('is what it says in all other states, however old', () => {
    for (const state of ['waiting', 'paused', 'done', 'stopped', 'failed', 'cancelled'] as const) {
      expect(displayedState({ state, startedAt: 0, heartbeatAt: 0 }, now)).toBe(state);
    }
  });
});
