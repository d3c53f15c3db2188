import { describe, expect, it } from 'vitest';
import { stateOf } from '../../../src/server/api/queries/cell-state.ts';

const cell = (rows: number, gaps: Record<string, number> = {}) => ({
  windows: 24,
  metrics: 13,
  rows,
  gaps: new Map(Object.entries(gaps)),
});

describe('a cell of the map', () => {
  it.each([
    ['nothing is due', undefined, 'none'],
    ['every window has a row', cell(24), 'filled'],
    ['some windows are empty at the source', cell(20), 'sparse'],
    ['all of them are', cell(0), 'empty'],
    ['nothing was asked for', cell(0, { 'not asked yet': 312 }), 'missing'],
    ['some was asked for', cell(12, { 'not asked yet': 156 }), 'partly'],
    ['a call failed', cell(12, { 'not asked yet': 100, failed: 56 }), 'failed'],
    ['a value lies in quarantine', cell(24, { quarantined: 1 }), 'quarantined'],
    ['the token has no such windows', cell(0, { 'not available': 312 }), 'unavailable'],
    ['a metric is refused', cell(24, { 'not entitled': 24 }), 'filled'],
    ['all metrics are refused', cell(0, { 'not entitled': 312 }), 'not entitled'],
    ['the token was not there yet', cell(0, { "before the token's history": 312 }), 'before history'],
  ])('where %s', (_, counts, state) => {
    expect(stateOf(counts)).toBe(state);
  });
});
