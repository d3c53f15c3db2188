import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { FreshCredentials } from '../../src/commands/fresh-credentials.ts';
import { UserError } from '../../src/errors.ts';

const seconds = (count: number) => count * 1000;

/** Credentials that are read on a clock of the test's own. */
function watched() {
  const state = { now: seconds(1_000), key: 'old' as string | UserError, reads: 0 };
  const lines: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) });
  const read = () => {
    state.reads++;
    if (state.key instanceof UserError) throw state.key;
    return { apiKey: state.key };
  };
  const fresh = new FreshCredentials({ apiKey: 'old' }, read, { now: () => state.now }, log);
  const keyAfter = (wait: number) => {
    state.now += wait;
    return fresh.current().apiKey;
  };
  return { state, lines, keyAfter };
}

describe('credentials that may change while the pipeline runs', () => {
  it('are those of now, ten seconds later at most', () => {
    const { state, lines, keyAfter } = watched();
    state.key = 'new';
    expect(keyAfter(seconds(9))).toBe('old');
    expect(keyAfter(seconds(1))).toBe('new');
    expect(keyAfter(seconds(60))).toBe('new');
    expect(lines.filter((line) => line.includes('have changed'))).toHaveLength(1);
    expect(lines.join()).not.toMatch(/old|new"/);
  });

  it('are read once in ten seconds, however many calls there are', () => {
    const { state, keyAfter } = watched();
    for (let call = 0; call < 1000; call++) keyAfter(20);
    expect(state.reads).toBe(2);
  });

  it('stay as they were while they cannot be read, which is told once', () => {
    const { state, lines, keyAfter } = watched();
    state.key = new UserError('not set: CRYPTORACLE_API_KEY');
    for (let call = 0; call < 5; call++) expect(keyAfter(seconds(10))).toBe('old');
    expect(lines.filter((line) => line.includes('not set: CRYPTORACLE_API_KEY'))).toHaveLength(1);
    state.key = 'new';
    expect(keyAfter(seconds(10))).toBe('new');
  });

  it('are read again at once where the clock was set back', () => {
    const { state, keyAfter } = watched();
    state.key = 'new';
    expect(keyAfter(-seconds(3600))).toBe('new');
  });
});
