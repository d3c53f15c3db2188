import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type LastingKind, lastingKinds, type News } from '../../src/notify/decide.ts';
import { messageOf } from '../../src/notify/message.ts';
import { groupTroubles } from '../../src/notify/news.ts';
import type { NotificationKind, Told } from '../../src/store/ledger/notifications.ts';
import { troubleKinds } from '../../src/store/reports/trouble-kinds.ts';
import { remedies, type Trouble } from '../../src/store/reports/troubles.ts';

const minute = 60_000;
const hour = 60 * minute;
const begin = Date.UTC(2025, 5, 20);

const nothingHappened: News['happened'] = new Map();
const troubles = (...kinds: LastingKind[]): News => ({
  troubles: new Map(kinds.map((kind) => [kind, { lines: [`${kind} it is`], remedies: [`mend ${kind}`] }])),
  happened: nothingHappened,
});

/** Applies what was sent, as the database would keep it. */
function applyTo(told: Map<NotificationKind, Told>, sent: ReturnType<typeof decide>, now: number): void {
  for (const { kind, opens, closes } of sent) {
    const change = (each: NotificationKind, more: Partial<Told>) =>
      told.set(each, {
        ...(told.get(each) ?? { kind: each, isOpen: false, sentAt: null, toldUntil: now, message: '' }),
        ...more,
      });
    change(kind, { sentAt: now, toldUntil: now });
    for (const each of opens) change(each, { isOpen: true });
    for (const each of closes) change(each, { isOpen: false });
  }
}

/** What is sent when the state of affairs is looked at every minute. */
function watch(states: readonly News[]): { kind: NotificationKind; at: number; lines: readonly string[] }[] {
  const told = new Map<NotificationKind, Told>();
  return states.flatMap((news, number) => {
    const now = begin + number * minute;
    const sent = decide(news, told, now);
    applyTo(told, sent, now);
    return sent.map(({ kind, lines }) => ({ kind, lines, at: number }));
  });
}

const well = troubles();

describe('what is told of the troubles', () => {
  const trouble = (kind: Trouble['kind'], level: Trouble['level']): Trouble => ({
    ...{ kind, level, headline: kind, detail: 'so it is', remedy: remedies[kind] },
    ...{ since: undefined, again: undefined },
  });

  it('is each that is more than a note, in the words of the page', () => {
    const all = troubleKinds.map((kind) => trouble(kind, 'bad'));
    const told = groupTroubles(all);
    const known = troubleKinds.filter(
      (kind) => !['suspect', 'dropped here', 'history paused'].includes(kind),
    );
    expect([...told.values()].flatMap(({ lines }) => lines)).toEqual(
      known.map((kind) => `${kind}: so it is`),
    );
    expect(new Set([...told.values()].flatMap((each) => each.remedies))).toEqual(
      new Set(known.map((kind) => remedies[kind])),
    );
    expect([...told.keys()].sort()).toEqual([...lastingKinds].sort());
    expect(groupTroubles(troubleKinds.map((kind) => trouble(kind, 'note'))).size).toBe(0);
  });
});

describe('notifications', () => {
  it('tell a trouble when it begins, once, and when it is over', () => {
    const sent = watch([well, troubles('late'), troubles('late'), troubles('late'), well, well]);
    expect(sent).toEqual([
      { kind: 'late', at: 1, lines: ['late it is'] },
      { kind: 'recovered', at: 4, lines: ['the newest windows come in time'] },
    ]);
  });

  it('are at most one an hour of a kind, whatever happens', () => {
    const state = fc.subarray([...lastingKinds]).map((kinds) => troubles(...kinds));
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 200 }), (states) => {
        const last = new Map<NotificationKind, number>();
        for (const { kind, at } of watch(states)) {
          expect(at - (last.get(kind) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(60);
          last.set(kind, at);
        }
      }),
    );
  });

  it('have told in the end what is still wrong, and what is over, once an hour has passed', () => {
    const state = fc.subarray([...lastingKinds]).map((kinds) => troubles(...kinds));
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 60 }), state, (states, last) => {
        const open = new Set<NotificationKind>();
        const told = new Map<NotificationKind, Told>();
        // Whatever was told within the hour may be told again within two.
        const all = [...states, ...Array.from({ length: 125 }, () => last)];
        for (const [number, news] of all.entries()) {
          const sent = decide(news, told, begin + number * minute);
          applyTo(told, sent, begin + number * minute);
          for (const { opens, closes } of sent) {
            for (const kind of opens) open.add(kind);
            for (const kind of closes) open.delete(kind);
          }
        }
        expect([...open].sort()).toEqual([...last.troubles.keys()].sort());
      }),
    );
  });

  it('wait with what happened within the hour, and tell it then', () => {
    const happened = (...lines: string[]): News => ({ ...well, happened: new Map([['order', lines]]) });
    const told = new Map<NotificationKind, Told>();
    const first = decide(happened('order 1 is done'), told, begin);
    expect(first).toMatchObject([{ kind: 'order', lines: ['order 1 is done'] }]);
    applyTo(told, first, begin);
    expect(decide(happened('order 2 is done'), told, begin + 59 * minute)).toEqual([]);
    expect(decide(happened('order 2 is done', 'order 3 died'), told, begin + hour)).toMatchObject([
      { kind: 'order', lines: ['order 2 is done', 'order 3 died'] },
    ]);
  });

  it('go on after the clock was set back', () => {
    const told = new Map<NotificationKind, Told>([
      ['late', { kind: 'late', isOpen: false, sentAt: begin + 24 * hour, toldUntil: begin, message: '' }],
    ]);
    expect(decide(troubles('late'), told, begin)).toMatchObject([{ kind: 'late' }]);
  });
});

describe('a message', () => {
  it('names the trouble and what helps, and no more than ten things', () => {
    const lines = Array.from({ length: 14 }, (_, number) => `thing ${number}`);
    const message = messageOf('late', lines, ['see that it runs']);
    expect(message.split('\n')).toHaveLength(14);
    expect(message).toContain('\nSee that it runs.\n');
    expect(message).toContain('• thing 9\n• and 4 more\n');
    expect(message).toMatch(/^Cryptoracle: data are late\n/);
    expect(message).toContain('cryptoracle status');
  });
});
