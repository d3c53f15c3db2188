import { describe, expect, it } from 'vitest';
import { judgeReadiness, type ReadinessFacts } from '../../src/server/readiness.ts';
import { now, sampleStatus } from './fakes.ts';

const well: ReadinessFacts = {
  schema: 'current',
  status: sampleStatus,
  queueProblem: undefined,
  waiting: 40,
  stalls: [],
  uptime: 86_400_000,
};
const minute = 60_000;

const checks = (changes: Partial<ReadinessFacts>) =>
  judgeReadiness({ ...well, ...changes }, now).map(({ check }) => check);

describe('a pipeline', () => {
  it('is ready where everything answers and the API was called lately', () => {
    expect(checks({})).toEqual([]);
  });

  it.each<[string, Partial<ReadinessFacts>, string]>([
    ['database', { schema: undefined }, 'does not answer'],
    ['migrations', { schema: 'behind' }, '`migrate`'],
    ['migrations', { schema: 'ahead' }, 'update the program'],
    ['queue', { waiting: undefined }, 'does not answer'],
    ['queue', { queueProblem: 'READONLY' }, 'takes no writes'],
    ['progress', { stalls: [{ name: 'fetching', seconds: 900 }] }, 'fetching has made no progress for 900 s'],
  ])('is not without %s, and says why: %j', (check, changes, reason) => {
    expect(judgeReadiness({ ...well, ...changes }, now)).toEqual([
      { check, reason: expect.stringContaining(reason) },
    ]);
  });

  it('is not where the API refuses access, which is no want of progress', () => {
    const accessRefused = { code: 202, reason: 'unauthorized', openedAt: now - 90 * minute, probeAt: now };
    const lastCall = { at: now - 60 * minute, outcome: 'access-denied', message: null };
    expect(checks({ status: { ...sampleStatus, accessRefused, lastCall } })).toEqual(['access']);
  });

  it('is not where requests wait and nobody calls the API; where none waits it may be silent', () => {
    const status = {
      ...sampleStatus,
      lastCall: { at: now - 30 * minute, outcome: 'answered', message: null },
    };
    expect(checks({ status })).toEqual(['progress']);
    expect(checks({ status, waiting: 0 })).toEqual([]);
  });

  it('is not where no value ever came, once there was time for one', () => {
    const granularities = sampleStatus.granularities.map((part) => ({ ...part, newestStored: undefined }));
    const status = { ...sampleStatus, granularities };
    expect(checks({ status })).toEqual(['progress']);
    expect(checks({ status, uptime: minute })).toEqual([]);
  });
});
