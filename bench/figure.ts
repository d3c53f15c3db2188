/** Figures as a bench gives them: each with its goal beside it, so that nobody has to remember what is good. */

export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** `''` counts what the figure's name says. */
export type Unit = '×' | 'ms' | 's' | 'MB' | 'bytes' | 'rows' | '' | '%' | '/s';

/** A figure that was measured. A ratio was taken in one run, of both sides on the same machine at the same time. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  readonly goal: Goal;
  /** What the ratio was made of, or how much was measured. */
  readonly detail: string;
}

/** A figure that could not be measured here. */
export interface Absent {
  readonly name: string;
  readonly goal: Goal;
  readonly unit: Unit;
  readonly absent: string;
}

export type Figure = Measured | Absent;

export const isMeasured = (figure: Figure): figure is Measured => 'value' in figure;

export const meets = ({ value, goal }: Measured): boolean =>
  'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;

/** A figure with the bench and the server that it is about. */
export interface Result {
  readonly bench: string;
  /** Absent where no database is part of it. */
  readonly server?: string | undefined;
  readonly figure: Figure;
}

/** A ratio of two speeds of the same work, from how long each took. */
export function speedRatio(ours: number, other: number): number {
  return other / ours;
}

/** The middle one, so that a hiccup of the machine does not count. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export const thousands = (number: number) => Math.round(number).toLocaleString('en-US');

/** Values a second, as people read it. */
export const rate = (values: number, milliseconds: number) =>
  `${thousands((values / milliseconds) * 1000)} values/s`;
