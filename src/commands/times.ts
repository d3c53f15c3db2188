import { formatBeijing } from '../beijing.ts';
import type { Instant } from '../time.ts';

/** How instants are printed: in Beijing, the vendor's clock, or in UTC where `--utc` says so. */
export interface Times {
  readonly zone: 'Beijing' | 'UTC';
  /** `yyyy-MM-dd HH:mm`; a dash where there is none. */
  minute(instant: Instant | undefined): string;
  /** `yyyy-MM-dd HH:mm:ss` */
  second(instant: Instant): string;
}

/** The option that `timesIn` is about, for every command that prints times. */
export const utcOption = ['--utc', 'print times in UTC (default: Beijing)'] as const;

export function timesIn(utc: boolean | undefined): Times {
  const second = (instant: Instant) =>
    utc === true ? new Date(instant).toISOString().slice(0, 19).replace('T', ' ') : formatBeijing(instant);
  return {
    zone: utc === true ? 'UTC' : 'Beijing',
    minute: (instant) => (instant === undefined ? '-' : second(instant).slice(0, 16)),
    second,
  };
}

/** ISO 8601 in UTC, for programs; `null` where there is none. */
export const iso = (instant: Instant | null | undefined): string | null =>
  instant === undefined || instant === null ? null : new Date(instant).toISOString();

/** Columns of a terminal that everything fits. */
const screen = 80;

/** A text in lines of at most 80 columns, each behind the indent; a longer word is cut. Blanks within a line stay. */
export function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => pieces(each, screen - indent.length))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (indent.length + longer.length > screen && line !== '') {
      lines.push(line.trimEnd());
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((each) => `${indent}${each}\n`).join('');
}

/** A word in pieces that fit. */
function pieces(word: string, width: number): string[] {
  if (word === '') return [''];
  const cut: string[] = [];
  for (let rest = word; rest.length > 0; rest = rest.slice(width)) cut.push(rest.slice(0, width));
  return cut;
}
