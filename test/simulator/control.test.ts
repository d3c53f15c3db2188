import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { followControlFile, type Orders, parseOrders } from '../../src/simulator/index.ts';

describe('the orders of a control file', () => {
  it('are faults and behaviour, both as text or behaviour as an object', () => {
    expect(parseOrders('')).toEqual({ faults: {}, behaviour: {} });
    expect(parseOrders('{}')).toEqual({ faults: {}, behaviour: {} });
    expect(parseOrders('{"faults":"bom=1","behaviour":"order=newest"}')).toEqual({
      faults: { bom: { probability: 1 } },
      behaviour: { order: 'newest' },
    });
    expect(parseOrders('{"behaviour":{"recordLimit":7,"refusedMetrics":["CO-A-01-05"]}}')).toEqual({
      faults: {},
      behaviour: { recordLimit: 7, refusedMetrics: new Set(['CO-A-01-05']) },
    });
  });

  it.each([
    ['{', /no JSON/],
    ['[]', /expected object/],
    ['{"fault":"bom=1"}', /fault/],
    ['{"faults":"bim=1"}', /"bim" is none of/],
    ['{"behaviour":{"order":"random"}}', /behaviour "order"/],
  ])('are refused: %s', (text, message) => {
    expect(() => parseOrders(text)).toThrow(message);
  });

  it('are followed as the file comes, changes, is broken and goes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cryptoracle-test-'));
    const file = join(folder, 'control.json');
    const seen: (Orders | string)[] = [];
    const note = (what: Orders | string) => seen.push(what);
    const next = async (change: () => void) => {
      const before = seen.length;
      change();
      while (seen.length === before) await sleep(10);
      return seen.at(-1);
    };
    const stop = followControlFile(file, note, note);
    try {
      expect(seen).toEqual([{ faults: {}, behaviour: {} }]);
      expect(await next(() => writeFileSync(file, '{"faults":"bom=1"}'))).toEqual({
        faults: { bom: { probability: 1 } },
        behaviour: {},
      });
      expect(await next(() => writeFileSync(file, '{"faults":'))).toMatch(/no JSON/);
      expect(await next(() => rmSync(file))).toEqual({ faults: {}, behaviour: {} });
    } finally {
      stop();
      rmSync(folder, { recursive: true });
    }
  });
});
