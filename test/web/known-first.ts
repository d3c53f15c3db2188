import type { First, Freshness, Granularity, Now } from '../../src/server/api/types.ts';

/** What a page brings along, with a bit of everything that the first view can show. */

function freshness(granularity: Granularity, newestDue: string, more: Partial<Freshness> = {}): Freshness {
  return {
    ...{ granularity, newestDue, dueAt: newestDue, newestStored: newestDue, windowsBehind: 0, isLate: false },
    ...{ tokensWanted: 200, tokensThere: 200, missing: [], usual: 200, wanted: 1000, answered: 1000 },
    ...more,
  };
}

const status: Now = {
  at: '2026-11-27T01:30:12.000Z',
  verdict: {
    level: 'warning',
    sentence: 'Values of 15m are late.',
    remedy: 'Run `doctor`, and look here again.',
  },
  troubles: [
    {
      ...{
        kind: 'late',
        level: 'warning',
        headline: 'Values of 15m are late',
        detail: '2 windows are missing',
      },
      ...{ since: '2026-11-26T22:00:00.000Z', remedy: 'run `doctor`', again: '2026-11-27T01:40:00.000Z' },
    },
    {
      ...{ kind: 'disk', level: 'note', headline: 'the disk fills', detail: '3 GB are free' },
      ...{ since: '2026-11-20T12:00:00.000Z', remedy: 'make room', again: null },
    },
  ],
  granularities: [
    freshness('15m', '2026-11-27T00:45:00.000Z', {
      ...{ windowsBehind: 2, isLate: true, tokensThere: 193, usual: null },
      missing: ['AAVE', 'ADA', 'APT', 'ARB', 'ATOM', 'AVAX', 'AXS'],
    }),
    freshness('1h', '2026-11-26T23:00:00.000Z', { tokensThere: 199, missing: ['ZRX'] }),
    freshness('4h', '2026-11-26T20:00:00.000Z'),
    freshness('1d', '2026-11-25T00:00:00.000Z', { answered: 500 }),
  ],
  filling: { left: 120_000, share: 0.75, perSecond: 900, readyAt: '2026-11-27T01:33:00.000Z' },
  budget: { perDay: 5000, lanes: [{ lane: 'live', calls: 40 }] },
  calls: {
    ...{ lastDay: { answered: 1200, failed: 3 }, recent: 40, recentFailed: 1 },
    last: { at: '2026-11-27T01:29:00.000Z', outcome: 'answered', message: null },
  },
  access: null,
  refused: ['CO-A-01-01'],
  queue: { plan: { active: 1 }, live: {}, fetch: { waiting: 12 } },
  database: { bytes: 52_000_000, timescale: true, diskFreeBytes: 3_000_000_000 },
  ...{ tokens: 200, quarantined: 1, qualityNotes: 4, revisions: 12 },
};

export const knownFirst = {
  session: { access: 'read', needsToken: false, canWrite: false },
  status,
} satisfies First;
