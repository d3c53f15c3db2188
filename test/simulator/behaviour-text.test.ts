import { describe, expect, it } from 'vitest';
import {
  behaviourOf,
  behaviourSchema,
  describeBehaviour,
  parseBehaviour,
} from '../../src/simulator/index.ts';

describe('behaviour as text', () => {
  it('is read: choices, numbers, yes and no, lists', () => {
    expect(parseBehaviour('')).toEqual({});
    expect(
      parseBehaviour('dayStart=08:00, recordLimit=500,allowEmptyTags=no,emptyAnswer=203,rateLimit=2.5'),
    ).toEqual({
      dayStart: '08:00',
      recordLimit: 500,
      allowEmptyTags: false,
      emptyAnswer: '203',
      rateLimit: 2.5,
    });
    expect(parseBehaviour('refusedMetrics=CO-A-01-05+CO-B-01-01,refusedEndpoints=coin/list')).toEqual({
      refusedMetrics: new Set(['CO-A-01-05', 'CO-B-01-01']),
      refusedEndpoints: new Set(['coin/list']),
    });
    expect(parseBehaviour('refusedMetrics=')).toEqual({ refusedMetrics: new Set() });
  });

  it.each([
    ['dayStart', /^behaviour "dayStart": not name=value$/],
    ['daystart=08:00', /^behaviour "daystart" is none of dayStart, recordLimit, /],
    ['toString=1', /"toString" is none of/],
    ['dayStart=09:00', /^behaviour "dayStart": .*08:00/],
    ['recordLimit=0', /^behaviour "recordLimit": /],
    ['recordLimit=many', /^behaviour "recordLimit": /],
    ['allowEmptyTags=perhaps', /^behaviour "allowEmptyTags": /],
    ['rateLimit=0', /^behaviour "rateLimit": must be more than 0$/],
    ['runningWindow=2', /^behaviour "runningWindow": /],
    ['refusedEndpoints=nowhere', /^behaviour "refusedEndpoints/],
    ['order=newest,order=oldest', /^behaviour "order=oldest": order is given twice$/],
  ])('is refused: %s', (text, message) => {
    expect(() => parseBehaviour(text)).toThrow(RangeError);
    expect(() => parseBehaviour(text)).toThrow(message);
  });

  it('is described, every field of it', () => {
    const described = describeBehaviour();
    expect(described.map(([form]) => form.split('=')[0])).toEqual(Object.keys(behaviourSchema.shape));
    for (const [, means] of described) expect(means).not.toBe('');
    expect(described).toContainEqual(['order=oldest|newest (oldest)', 'which window comes first']);
  });
});

describe('how a version behaves', () => {
  it('is as its page tells, but for what is changed', () => {
    expect(behaviourOf('v1')).toMatchObject({ windowsField: 'endPoints', coinListFails: false });
    for (const version of ['v2', 'v2.1'] as const) {
      expect(behaviourOf(version)).toMatchObject({
        windowsField: 'timePeriods',
        order: 'newest',
        tagsOptional: true,
        coinListFails: true,
      });
    }
    expect(behaviourOf('v2.1', { order: 'oldest' })).toEqual({ ...behaviourOf('v2.1'), order: 'oldest' });
  });
});
