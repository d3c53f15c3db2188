import { InvalidArgumentError } from 'commander';
import { describeMiss, type Miss } from '../../store/reports/objective.ts';
import { parsePositive } from '../options.ts';
import { writeOut } from '../output.ts';

/** The objective as it stands on the command line, and how it is missed. */

export function parseWindows(text: string): number {
  return text.trim() === '0' ? 0 : parsePositive(text);
}

/** A share: up to 1 as it is, above 1 in percent. */
export function parseShare(text: string): number {
  const number = Number(text.trim().replace(/%$/, ''));
  if (text.trim() === '' || !(number >= 0 && number <= 100)) {
    throw new InvalidArgumentError(`'${text}' is no share such as 99.9 (percent) or 0.999.`);
  }
  return number > 1 || text.includes('%') ? number / 100 : number;
}

export function printMisses(misses: readonly Miss[]): void {
  const lines =
    misses.length === 0 ? ['objective: met'] : misses.map((miss) => `MISSED: ${describeMiss(miss)}`);
  writeOut(`${lines.join('\n')}\n`);
}
