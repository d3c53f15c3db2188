import { describe, expect, it } from 'vitest';
import { errorLine, innermost, oneLine } from '../src/errors.ts';

describe('what a person is told', () => {
  it('is one line, whatever it quotes', () => {
    expect(oneLine(' a \r\n b\t\u0085c\0d\u001b[2J\u2028e ')).toBe('a b c d [2J e');
    expect(oneLine('\ud800 é比🚀')).toBe('\ufffd é比🚀');
    expect(oneLine(' \n ')).toBe('');
  });

  it('is a line that ends', () => {
    expect(errorLine('error: --to\n')).toBe('error: --to\n');
    expect(errorLine('')).toBe('\n');
  });

  it('keeps both ends of what is absurdly long', () => {
    const line = errorLine(`error: '${'🚀'.repeat(50_000)}' is no date`);
    expect(line).toMatch(/^error: '🚀.* \.\.\. .*🚀' is no date\n$/su);
    expect(line.length).toBeLessThan(4100);
    expect(line.isWellFormed()).toBe(true);
  });

  it('is what lies at the bottom of an error', () => {
    const inner = new Error(' connection\n refused ');
    expect(innermost(new Error('query failed', { cause: inner }))).toBe('connection refused');
    expect(innermost(new TypeError(''))).toBe('TypeError');
    expect(innermost('text')).toBe('text');
    expect(innermost(new Error('x'.repeat(5000)))).toHaveLength(300);
  });
});
