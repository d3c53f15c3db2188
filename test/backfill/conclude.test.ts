import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/backfill/conclude.ts';
import { TryLaterError, UserError } from '../../src/errors.ts';
import type { FailureKind } from '../../src/ingest/failure.ts';

type Work = Parameters<typeof decide>[0];

const nothingLeft = { valuesLeft: 0, requestsLeft: 0, valuesDoubted: 0 };
const someLeft = { valuesLeft: 1234, requestsLeft: 2, valuesDoubted: 0 };

function decideOn(work: Partial<Work> = {}, result: Partial<Work['result']> = {}) {
  return decide({
    ...{ id: 7, state: 'running', left: someLeft },
    result: { end: 'done', budgetUntil: undefined, lastFailure: undefined, ...result },
    ...work,
  });
}

const failure = (kind: FailureKind, message: string) => ({ lastFailure: { kind, message } });

describe('an order of which nothing is left', () => {
  it('is done however the fill ended, and whatever failed on the way', () => {
    const ends = ['done', 'stopped', 'limit', 'budget', 'access-denied', 'no-answers', 'all-wrong'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...ends), fc.boolean(), (end, hasFailed) => {
        const failed = hasFailed ? failure('transient', 'too slow') : {};
        const decided = decideOn({ left: nothingLeft }, { end, ...failed });
        expect(decided).toEqual({ end, problem: undefined, ended: 'done' });
      }),
    );
  });

  it('is done even though somebody paused it while the last call was under way', () => {
    expect(decideOn({ left: nothingLeft, state: 'paused' }).ended).toBe('done');
  });
});

describe('an order of which something is left', () => {
  it('says how much, and the command that continues it', () => {
    const { problem } = decideOn({}, { end: 'stopped' });
    expect(problem?.message).toContain('1,234 values (2 requests) are left');
    expect(problem?.message).toContain('`backfill resume 7`');
  });

  it('says what came as nothing, that the pipeline asks again, and that nobody need wait', () => {
    const doubted = decideOn({ left: { ...someLeft, valuesDoubted: 234 } }, { end: 'done' });
    expect(doubted).toMatchObject({ end: 'stopped', ended: 'stopped' });
    expect(doubted.problem).toBeInstanceOf(TryLaterError);
    expect(doubted.problem?.message).toMatch(
      /^234 values came as nothing .*, and 1,000 others are left\. .*the pipeline asks again .*`backfill resume 7`/,
    );
  });

  it.each([
    ['stopped', 'stopped', TryLaterError, 'stopped; '],
    ['limit', 'stopped', TryLaterError, '--max-requests is reached; '],
    ['no-answers', 'stopped', TryLaterError, 'the API gives no answers; '],
    ['access-denied', 'failed', UserError, 'the API refuses access. '],
    ['all-wrong', 'failed', UserError, 'the API finds every request wrong. `doctor --calibrate` '],
  ] as const)('that ended by %s gets the state %s and says so', (end, state, kind, beginning) => {
    const { problem, ended, ...decided } = decideOn({}, { end });
    expect(decided.end).toBe(end);
    expect(ended).toBe(state);
    expect(problem).toBeInstanceOf(kind);
    expect(problem?.message.startsWith(beginning)).toBe(true);
  });

  it('has stopped where all was asked for, since the API left gaps', () => {
    const decided = decideOn({}, { end: 'done', ...failure('transient', 'HTTP status 500') });
    expect(decided).toMatchObject({ end: 'stopped', ended: 'stopped' });
    expect(decided.problem).toBeInstanceOf(TryLaterError);
    expect(decided.problem?.message).toMatch(/continues it: HTTP status 500$/);
  });

  it('is a mistake to mend where the API finds a request wrong: the same again would do no better', () => {
    const { problem } = decideOn({}, { end: 'done', ...failure('bad-request', 'bad token') });
    expect(problem).toBeInstanceOf(UserError);
    expect(problem?.message).toContain('bad token');
  });

  it('tells when the daily budget allows more, on the Beijing clock', () => {
    const until = Date.UTC(2026, 2, 31, 16, 5);
    expect(decideOn({}, { end: 'budget', budgetUntil: until }).problem?.message).toContain(
      'after 2026-04-01 00:05 (Beijing)',
    );
    expect(decideOn({}, { end: 'budget' }).problem?.message).toContain('tomorrow (Beijing)');
  });

  it('keeps what a person decided: it stays paused, resumed or cancelled', () => {
    const paused = decideOn({ state: 'paused' }, { end: 'stopped' });
    expect(paused).toMatchObject({ end: 'paused', ended: undefined });
    expect(paused.problem?.message).toContain('order 7 is paused');
    const resumed = decideOn({ state: 'waiting' }, { end: 'stopped' });
    expect(resumed).toMatchObject({ end: 'stopped', ended: undefined });
    const cancelled = decideOn({ state: 'cancelled' }, { end: 'access-denied' });
    expect(cancelled).toMatchObject({ end: 'cancelled', ended: undefined });
    expect(cancelled.problem).toBeInstanceOf(UserError);
  });
});

it('what nobody placed, since nothing was missing, is named by the command that looks again', () => {
  const { problem } = decideOn({ id: undefined, state: undefined });
  expect(problem?.message).toContain('Run the same command again');
  expect(problem?.message).not.toContain('resume');
});
