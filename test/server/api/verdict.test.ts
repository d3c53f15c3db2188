import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/server/api/queries/verdict.ts';
import type { Freshness, Now } from '../../../src/server/api/types.ts';

const at = '2025-06-01T16:20:00.000Z';

const fresh: Freshness = {
  granularity: '1h',
  newestDue: at,
  dueAt: at,
  newestStored: at,
  windowsBehind: 0,
  tokensWanted: 200,
  tokensThere: 200,
  missing: [],
  usual: 200,
  wanted: 1000,
  answered: 1000,
};

const well: Omit<Now, 'verdict'> = {
  at,
  granularities: [fresh],
  filling: null,
  budget: { perDay: null, lanes: [] },
  calls: { lastDay: {}, recent: 10, recentFailed: 0, last: { at, outcome: 'answered', message: null } },
  access: null,
  refused: [],
  queue: {},
  database: { bytes: 1, timescale: true, diskFreeBytes: null },
  tokens: 200,
  quarantined: 0,
  qualityNotes: 0,
  revisions: 0,
};

const failing = { ...well.calls, recentFailed: 9, last: { at, outcome: 'transient', message: 'HTTP 500' } };
const access = { reason: 'code 204', code: 204, since: at, probeAt: at };

const cases: readonly [string, Partial<typeof well>, string, RegExp][] = [
  ['nothing is wrong', {}, 'well', /^All is well/],
  [
    'history is being filled',
    { filling: { left: 1, share: 0.9999, perSecond: 1, readyAt: at } },
    'busy',
    /99\.9 %/,
  ],
  ['access is refused', { access, calls: failing }, 'bad', /refuses access: code 204/],
  ['the queue is silent', { queue: null }, 'bad', /queue does not answer/],
  ['calls fail', { calls: failing }, 'bad', /9 of the last 10 calls.*HTTP 500/],
  ['one call failed among many', { calls: { ...failing, recentFailed: 1 } }, 'well', /^All is well/],
  [
    'the disk is nearly full',
    { database: { ...well.database, diskFreeBytes: 1e9 } },
    'warning',
    /1\.0 GB left/,
  ],
  [
    'nothing ever came',
    { granularities: [{ ...fresh, newestStored: null, windowsBehind: null }] },
    'warning',
    /No value has come/,
  ],
  ['windows are late', { granularities: [{ ...fresh, windowsBehind: 3 }] }, 'bad', /late: 1h by 3/],
  [
    'one window is on its way',
    { granularities: [{ ...fresh, windowsBehind: 1, tokensThere: 0 }] },
    'well',
    /^All is well/,
  ],
  [
    'few tokens came',
    { granularities: [{ ...fresh, tokensThere: 1 }] },
    'warning',
    /1h has 1 of usually 200/,
  ],
  [
    'few tokens came, as usual',
    { granularities: [{ ...fresh, tokensThere: 1, usual: 1 }] },
    'well',
    /^All is well/,
  ],
];

describe('the verdict', () => {
  it.each(cases)('where %s', (_, facts, level, sentence) => {
    const verdict = judge({ ...well, ...facts });
    expect(verdict.level).toBe(level);
    expect(verdict.sentence).toMatch(sentence);
    // Whatever is wrong comes with something to do.
    expect(verdict.remedy === null).toBe(level === 'well' || level === 'busy');
  });
});
