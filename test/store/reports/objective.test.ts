import { describe, expect, it } from 'vitest';
import { missesOf } from '../../../src/store/reports/objective.ts';
import type { GranularityStatus, Status } from '../../../src/store/reports/status.ts';
import { hour } from '../../support/clock.ts';

const well: GranularityStatus = {
  granularity: '1h',
  newestDue: 10 * hour,
  newestStored: 10 * hour,
  windowsBehind: 0,
  wanted: 1000,
  answered: 1000,
  dropped: 0,
  tokens: { window: 10 * hour, tokens: 150, usual: 152 },
};

function statusOf(part: Partial<GranularityStatus>, more: Partial<Status> = {}): Status {
  return {
    granularities: [{ ...well, ...part }],
    ...{ tokens: 3, refused: [], quarantined: 0, qualityNotes: 0, revisions: 0, calls: {} },
    ...{
      lastCall: undefined,
      accessRefused: undefined,
      databaseBytes: 0,
      timescale: false,
      notInApiVersion: [],
      doubtedList: undefined,
      suspects: [],
      dropped: { windowsBeside: 0, rejects: 0 },
      notes: [],
      suspendedRules: [],
    },
    dayStart: { value: '08:00', found: 'assumed', detail: undefined, since: undefined },
    ...more,
  };
}

describe('the objective', () => {
  const objective = { maxBehind: 1, minComplete: 0.999 };
  const missed = (part: Partial<GranularityStatus>, more?: Partial<Status>) =>
    missesOf(statusOf(part, more), objective).map(({ kind }) => kind);

  it('is met where all is well, and where nothing is due yet', () => {
    expect(missed({})).toEqual([]);
    expect(missed({ newestDue: undefined, newestStored: undefined, wanted: 0, answered: 0 })).toEqual([]);
  });

  it('is met by as many windows and values as it asks for, and no fewer', () => {
    expect(missed({ windowsBehind: 1 })).toEqual([]);
    expect(missed({ windowsBehind: 2 })).toEqual(['behind']);
    expect(missed({ answered: 999 })).toEqual([]);
    expect(missed({ answered: 998 })).toEqual(['incomplete']);
  });

  it('is missed where nothing was ever stored, the vendor is quiet, or access is refused', () => {
    expect(missed({ newestStored: undefined, windowsBehind: undefined })).toEqual(['nothing-stored']);
    expect(missed({ tokens: { window: 0, tokens: 1, usual: 152 } })).toEqual(['quiet']);
    const accessRefused = { openedAt: 0, probeAt: 0, reason: 'code 202' } as NonNullable<
      Status['accessRefused']
    >;
    expect(missed({}, { accessRefused })).toEqual(['access-refused']);
  });

  it('does not call a short history quiet', () => {
    expect(missed({ tokens: { window: 0, tokens: 1, usual: undefined } })).toEqual([]);
  });
});
