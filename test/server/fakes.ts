import { pino } from 'pino';
import { StatusServer, type StatusServerOptions } from '../../src/server/server.ts';
import type { Status } from '../../src/store/reports/status.ts';
import { ManualClock } from '../support/clock.ts';

/** 2025-06-02 00:20 in Beijing. */
export const now = Date.UTC(2025, 5, 1, 16, 20);

export const sampleStatus: Status = {
  granularities: [
    {
      granularity: '15m',
      newestDue: Date.UTC(2025, 5, 1, 15, 45),
      newestStored: Date.UTC(2025, 5, 1, 15, 15),
      windowsBehind: 2,
      wanted: 100_000,
      answered: 99_999,
      dropped: 7,
    },
    {
      granularity: '1d',
      newestDue: undefined,
      newestStored: undefined,
      windowsBehind: undefined,
      wanted: 0,
      answered: 0,
      dropped: 0,
    },
  ],
  notes: [{ table: 'requests', rows: 1207, bytes: 401_408, rowsPerYear: 60_000, bytesPerYear: 20_000_000 }],
  tokens: 200,
  refused: ['CO-S-01-05'],
  notInApiVersion: [],
  quarantined: 3,
  qualityNotes: 5,
  suspendedRules: [
    {
      granularity: '1h',
      metric: 'CO-A-01-09',
      note: 'outside its range',
      share: 0.97,
      rows: 4000,
      since: '2025-05-31T16:00:00Z',
      examples: [{ token: 'BTC', time: '2025-05-31T15:00:00.000Z', value: 25, detail: 'not within 0 to 1' }],
    },
  ],
  revisions: 41,
  doubtedList: undefined,
  suspects: [{ granularity: '15m', cells: 26, tokens: 2, since: now - 60_000, askAt: now + 540_000 }],
  dropped: { windowsBeside: 4, rejects: 2 },
  calls: { ok: 1200, failed: 7 },
  lastCall: { at: now - 12_000, outcome: 'failed', message: 'timeout' },
  accessRefused: undefined,
  databaseBytes: 12_345_678,
  dayStart: { value: '08:00', found: 'assumed', detail: undefined, since: undefined },
  timescale: true,
};

export const sampleCounts = { plan: { waiting: 1, active: 0 }, fetch: { prioritized: 1250, active: 4 } };

/** A server on a free port whose sources all answer, but for what is overridden. */
export function makeServer(overrides: Partial<StatusServerOptions> = {}): StatusServer {
  return new StatusServer({
    status: async () => sampleStatus,
    queueCounts: async () => sampleCounts,
    schema: async () => 'current',
    queueProblem: () => undefined,
    stalls: () => [],
    observeStatements: () => {},
    settings: { httpHost: '127.0.0.1', httpPort: 0, httpToken: undefined, httpWriteToken: undefined },
    clock: new ManualClock(now),
    log: pino({ level: 'silent' }),
    ...overrides,
  });
}
