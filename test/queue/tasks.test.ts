import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { granularities } from '../../src/catalog/index.ts';
import { settlePattern } from '../../src/queue/schedules.ts';
import { findTask, olderDelay, olderPriority, type Task, tasks } from '../../src/queue/tasks.ts';
import { testSettings } from '../support/pipeline.ts';
import { firesAfter, settlesAfter } from './cron.ts';

const minute = 60_000;
const day = 86_400_000;
const instants = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2030, 0, 1) });

function task(name: string): Task {
  const found = findTask(name);
  if (found === undefined) throw new Error(`there is no task ${name}`);
  return found;
}

const settled = (settleDelay: number) => ({
  ...testSettings({ DAY_START: '00:00' }),
  settleDelay,
});

describe('the tasks of the scheduler', () => {
  it('are known by names of their own, as the queue keeps them', () => {
    const names = tasks.map(({ name }) => name);
    expect(names).toEqual([
      '15m',
      '1h',
      '4h',
      '1d',
      'heal',
      'quality',
      'retention',
      'dropped',
      'recheck',
      'tokens',
      'tokens-again',
      'sign-of-life',
      'audit',
      'tags',
    ]);
    // BullMQ reserves colons, and numbers for itself.
    for (const name of names) expect(name).toMatch(/^[a-z0-9]*[a-z][a-z0-9-]*$/);
  });

  it('look for 1d windows at either hour at which a day may start, until that is said', () => {
    const settings = { ...testSettings({}), settleDelay: 15 * 60_000 };
    expect(task('1d').cron(settings)).toBe('0 15 0,8 * * *');
    expect(task('1d').cron({ ...settings, dayStart: '08:00' })).toBe('0 15 8 * * *');
  });

  it('plan the finest windows first, and older windows after everything else', () => {
    const byPriority = [...tasks].sort((a, b) => a.priority - b.priority).map(({ name }) => name);
    expect(byPriority.slice(0, 4)).toEqual(['15m', '1h', '4h', '1d']);
    expect(new Set(tasks.map(({ priority }) => priority)).size).toBe(tasks.length);
    for (const { priority } of tasks) expect(priority).toBeLessThan(olderPriority);
  });

  it('never wait longer for their next run than the table says', () => {
    fc.assert(
      fc.property(fc.constantFrom(...tasks), fc.nat({ max: 2 * day }), instants, (each, delay, from) => {
        const fires = firesAfter(from, each.cron(settled(delay)), 6);
        const waits = fires.slice(1).map((fire, index) => fire - (fires[index] ?? 0));
        expect(Math.max(...waits)).toBe(each.longestWait);
      }),
      { numRuns: 150 },
    );
  });

  it('fetch windows when they have settled, and tags two minutes after a day has', () => {
    for (const granularity of granularities) {
      expect(task(granularity).cron(settled(15 * minute))).toBe(
        settlePattern(granularity, 15 * minute, '00:00'),
      );
    }
    fc.assert(
      fc.property(fc.nat({ max: 2 * day }), instants, (delay, from) => {
        const expected = settlesAfter(from, '1d', delay + 2 * minute, 3);
        expect(firesAfter(from, task('tags').cron(settled(delay)), 3)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('are those that the settings want', () => {
    const wanted = (environment: Record<string, string>) =>
      tasks.filter((each) => each.isWanted(testSettings(environment))).map(({ name }) => name);
    expect(wanted({})).toEqual(tasks.map(({ name }) => name));
    expect(wanted({ AUDIT_REQUESTS_PER_DAY: '0' })).not.toContain('audit');
    expect(wanted({ GRANULARITIES: '4h' })).toEqual([
      '4h',
      'heal',
      'quality',
      'retention',
      'dropped',
      'recheck',
      'tokens',
      'tokens-again',
      'sign-of-life',
      'audit',
      'tags',
    ]);
  });
});

describe('the wait before older windows are planned', () => {
  it('is a whole number of milliseconds between one second and thirty, at any rate', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 10_000, noNaN: true }), (rate) => {
        const delay = olderDelay(rate);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(1000);
        expect(delay).toBeLessThanOrEqual(30_000);
      }),
    );
    expect([60, 7, 0.3, 5000].map(olderDelay)).toEqual([1667, 14_286, 30_000, 1000]);
  });
});
