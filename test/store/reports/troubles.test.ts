import { describe, expect, it } from 'vitest';
import { asToken, type Token } from '../../../src/catalog/index.ts';
import type { StoredEvent } from '../../../src/store/reports/events.ts';
import type { Filling } from '../../../src/store/reports/filling.ts';
import type { GranularityStatus } from '../../../src/store/reports/status.ts';
import { troubleKinds } from '../../../src/store/reports/trouble-kinds.ts';
import { type TroubleFacts, troublesOf, verdictOf } from '../../../src/store/reports/troubles.ts';
import { now, sampleStatus } from '../../server/fakes.ts';

const fresh: GranularityStatus = {
  granularity: '1h',
  newestDue: now - 7_200_000,
  newestStored: now - 7_200_000,
  windowsBehind: 0,
  wanted: 1000,
  answered: 1000,
  dropped: 0,
  tokens: { window: now - 7_200_000, tokens: 200, usual: 200 },
};

const status: TroubleFacts['status'] = {
  ...sampleStatus,
  ...{ granularities: [fresh], suspects: [], accessRefused: undefined, doubtedList: undefined },
  lastCall: { at: now, outcome: 'answered', message: null },
};

const well: TroubleFacts = {
  ...{ status, open: [], recent: { calls: 10, failed: 0 }, clocks: [] },
  ...{ queueProblem: undefined, diskFreeBytes: undefined },
};

const filling: Filling = { left: 1, share: 0.9999, perSecond: 1, secondsLeft: 1 };

const event = (kind: StoredEvent['kind'], message: string): StoredEvent => ({
  ...{ id: 1, at: now - 60_000, until: now, isOpen: true, granularity: null, subject: '', times: 1 },
  ...{ kind, message },
});

const of = (part: Partial<GranularityStatus>): TroubleFacts['status'] => ({
  ...status,
  granularities: [{ ...fresh, ...part }],
});
const lateBy = (windowsBehind: number) => ({ windowsBehind, lateSince: now - windowsBehind * 3_600_000 });
const lastFailed = { at: now, outcome: 'transient', message: 'HTTP 500' };
const failing = { status: { ...status, lastCall: lastFailed }, recent: { calls: 10, failed: 9 } };
const accessRefused = { code: 204, reason: 'code 204', openedAt: now - 1000, probeAt: now + 1000 };
const doubtedList = { since: now, askAt: now + 1, times: 1, tokens: [], vanished: [], unknown: 3 };
const suspect = { granularity: '1h', cells: 26, tokens: 2, since: now, askAt: now } as const;

type Case = readonly [where: string, Partial<TroubleFacts>, kinds: readonly string[], says: RegExp];

const cases: readonly Case[] = [
  ['access is refused', { ...failing, status: { ...status, accessRefused } }, ['access'], /code 204/],
  [
    'every request is found wrong',
    { status: { ...status, accessRefused: { ...accessRefused, code: 201, reason: 'code 201' } } },
    ['access'],
    /code 201/,
  ],
  ['the queue is silent', { queueProblem: 'no answer' }, ['queue'], /no answer/],
  [
    'the pipeline noticed it, too',
    { queueProblem: 'x', open: [event('queue outage', 'READONLY')] },
    ['queue'],
    /READONLY/,
  ],
  ['calls fail', failing, ['api'], /9 of the last 10 calls.*HTTP 500/],
  [
    'the API is out',
    { ...failing, open: [event('api outage', 'no call is answered')] },
    ['api'],
    /no call is/,
  ],
  ['one call failed among many', { ...failing, recent: { calls: 10, failed: 1 } }, [], /^/],
  [
    'the database takes no writes',
    { open: [event('database outage', 'read-only')] },
    ['database'],
    /read-only/,
  ],
  [
    'a clock is a little off',
    { clocks: [{ than: 'the API', ahead: 20_000 }] },
    ['clock'],
    /20 s behind that of the API/,
  ],
  [
    'a clock is far off',
    { clocks: [{ than: 'the database', ahead: -90_000 }] },
    ['clock'],
    /90 s ahead of that of the database/,
  ],
  ['clocks agree', { clocks: [{ than: 'the API', ahead: -900 }] }, [], /^/],
  [
    'a process stalled',
    { open: [event('stalled', 'fetching made no progress')] },
    ['stalled'],
    /no progress/,
  ],
  ['the disk is nearly full', { diskFreeBytes: 1e9 }, ['disk'], /1\.0 GB left/],
  [
    'nothing ever came',
    { status: of({ newestStored: undefined, windowsBehind: undefined }) },
    ['nothing yet'],
    /no value has come/,
  ],
  ['windows are late', { status: of(lateBy(3)) }, ['late'], /1h by 3 windows/],
  ['one window is on its way', { status: of({ windowsBehind: 1 }) }, [], /^/],
  [
    'few tokens came',
    { status: of({ tokens: { window: now, tokens: 1, usual: 200 } }) },
    ['few tokens'],
    /1h has 1 of usually 200/,
  ],
  ['few tokens came, as usual', { status: of({ tokens: { window: now, tokens: 1, usual: 1 } }) }, [], /^/],
  ['the list of tokens is doubted', { status: { ...status, doubtedList } }, ['token list'], /3/],
  [
    'history was laid aside',
    { open: [event('history paused', 'all history was laid aside')] },
    ['history paused'],
    /laid aside/,
  ],
  [
    'something came as nothing',
    { status: { ...status, suspects: [suspect] } },
    ['suspect'],
    /26 values of 1h \(2 tokens\)/,
  ],
  ['values were removed', { status: of({ dropped: 7 }) }, ['dropped here'], /7 values of 1h/],
];

describe('troubles', () => {
  it.each(cases)('where %s', (_, facts, kinds, says) => {
    const found = troublesOf({ ...well, ...facts });
    expect(found.map(({ kind }) => kind)).toEqual(kinds);
    expect(found.map(({ detail }) => detail).join()).toMatch(says);
    // Whatever is wrong comes with something to do.
    for (const { remedy } of found) expect(remedy.length).toBeGreaterThan(20);
  });

  it('send people to calibration, not to the whitelist, where every request is found wrong', () => {
    const wrong = { ...accessRefused, code: 201, reason: 'code 201' };
    const [found] = troublesOf({ ...well, status: { ...status, accessRefused: wrong } });
    expect(found).toMatchObject({ kind: 'access', headline: 'every request refused' });
    expect(found?.remedy).toMatch(/doctor --calibrate/);
    expect(found?.remedy).not.toMatch(/whitelist/);
  });

  it('tries every kind here', () => {
    expect(new Set(cases.flatMap(([, , kinds]) => kinds))).toEqual(new Set(troubleKinds));
  });

  it('are in the order in which they explain one another, whatever comes together', () => {
    const all = troublesOf({
      ...{ clocks: [{ than: 'the API', ahead: 90_000 }], recent: { calls: 10, failed: 10 } },
      ...{ queueProblem: 'no answer', diskFreeBytes: 1 },
      open: [event('stalled', ''), event('database outage', ''), event('api outage', '')],
      status: { ...of({ ...lateBy(9), dropped: 1 }), accessRefused, doubtedList, suspects: [suspect] },
    });
    const kinds = all.map(({ kind }) => kind);
    expect(kinds).toEqual(troubleKinds.filter((kind) => kinds.includes(kind)));
    expect(kinds.length).toBeGreaterThan(9);
  });
});

describe('the verdict', () => {
  const verdict = (facts: Partial<TroubleFacts>, history?: Filling) =>
    verdictOf(troublesOf({ ...well, ...facts }), history, (facts.status ?? status).granularities);

  it('is that of the worst, which may not be the first', () => {
    const both = { diskFreeBytes: 1, status: of(lateBy(3)) };
    expect(verdict(both)).toMatchObject({ level: 'bad', sentence: 'Late: 1h by 3 windows.' });
    expect(verdict({ diskFreeBytes: 1 })).toMatchObject({
      level: 'warning',
      remedy: expect.stringMatching(/\.$/),
    });
  });

  it('does not say that all is here where the API had nothing, and names what lacks', () => {
    const missing = ['BTC', 'ETH', 'XRP', 'BNB', 'SOL'].map(asToken);
    const of1h = (some: readonly Token[]) => verdict({ status: of({ missing: some }) });
    expect(of1h([])).toEqual({
      ...{ level: 'well', remedy: null },
      sentence: 'All is well: every window that is due is here.',
    });
    expect(of1h(missing.slice(0, 2))).toMatchObject({
      sentence: 'All is well: everything that is due was asked for.',
      remedy: expect.stringMatching(/no value in the newest window: 1h of BTC, ETH\. Nothing is to be done/),
    });
    expect(of1h(missing).remedy).toMatch(/1h of BTC, ETH, XRP and 2 more\./);
  });

  it('is good where all is well, or is being taken care of', () => {
    expect(verdict({})).toEqual({
      level: 'well',
      sentence: expect.stringMatching(/^All is well/),
      remedy: null,
    });
    expect(verdict({ status: { ...status, suspects: [suspect] } }).level).toBe('well');
    expect(verdict({}, filling)).toMatchObject({
      level: 'busy',
      sentence: expect.stringMatching(/the last value is being fetched/),
    });
    expect(verdict({}, { ...filling, left: 2000, share: 0.98765 })).toMatchObject({
      level: 'busy',
      sentence: expect.stringMatching(/being filled, 98\.7 % /),
    });
    const paused = { open: [event('history paused', '')] };
    expect(verdict(paused, { ...filling, share: 0.36 }).sentence).toMatch(/history is paused, 36\.0 %/);
    expect(verdict(paused).level).toBe('well');
    expect(verdict({ status: of(lateBy(3)) }, filling).level).toBe('bad');
  });
});
