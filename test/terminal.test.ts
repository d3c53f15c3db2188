import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visible, visibleJson, visibleJsonLine, visibleLine } from '../src/terminal.ts';

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const logger = new URL('../src/logger.ts', import.meta.url).href;

/** What a terminal obeys or does not show, by Unicode's own classes; line feed and tab are layout. */
const obeyed = /[^\P{Cc}\n\t]|\p{Bidi_Control}|[\u200b-\u200f\u2028\u2029\ufeff]|\p{Surrogate}/u;

const nasty = [
  '\u001b[2J',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\r',
  '\u0008',
  '\u007f',
  '\u202e',
  '\u2066',
  '\u200f',
  '\u061c',
];
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(...nasty, '\n', '\t', '"', '\\', 'é', '情绪', '😀', '\ud83d'),
      fc.string({ unit: 'binary' }),
    ),
  )
  .map((parts) => parts.join(''));

describe('what others wrote', () => {
  it('is shown without anything that a terminal obeys, and otherwise as it is', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(visible(text)).not.toMatch(obeyed);
        expect(visibleLine(text)).not.toMatch(/[\n\t]/);
        if (!obeyed.test(text) && !/[\p{Cf}\p{Cc}]/u.test(text)) expect(visible(text)).toBe(text);
      }),
    );
    expect(visible('a\u001b[31mb\u202ec\nd')).toBe('a\\u001b[31mb\\u202ec\nd');
    expect(visible('情绪 😀 é — BTC')).toBe('情绪 😀 é — BTC');
  });

  it('is the same value in JSON', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const json = visibleJson(JSON.stringify({ text }, null, 2));
        expect(json).not.toMatch(obeyed);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });

  it('is harmless in a line of JSON once its strings are taken out', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { msg } = JSON.parse(visibleJsonLine(`${JSON.stringify({ msg: text })}\n`));
        expect(msg).not.toMatch(obeyed);
        expect(msg).not.toMatch(/[\n\t]/);
      }),
    );
    const quoted = JSON.stringify({ msg: 'say "no" to C:\\new' });
    expect(JSON.parse(visibleJsonLine(quoted))).toEqual(JSON.parse(quoted));
  });

  it('is harmless in the log for a terminal, in the message and in fields', () => {
    const handed = { token: nasty.join('+'), error: `x\nfake line ${nasty.join('')}` };
    const script = `
      const { createLogger } = await import(${JSON.stringify(logger)});
      createLogger('info', true).info(${JSON.stringify(handed)}, ${JSON.stringify(`said ${nasty.join('')}\nfake`)});`;
    const { stderr } = spawnSync(
      process.execPath,
      ['--import', loader, '--input-type=module', '--eval', script],
      { encoding: 'utf8' },
    );
    // The log's own colours apart.
    const plain = stripVTControlCharacters(stderr);
    expect(plain).toContain('said \\u001b[2J');
    expect(plain).toContain('\\u202e');
    expect(plain).not.toMatch(obeyed);
    // An error stands on a line of its own, indented.
    expect(plain).not.toMatch(/^fake/m);
  });
});
