import type { Instant, Milliseconds } from '../time.ts';

/** The four window lengths the API serves, finest first (API page, `timeType`). */
export const granularities = ['15m', '1h', '4h', '1d'] as const;

export type Granularity = (typeof granularities)[number];

const minute = 60_000;

/** Length of one window. */
export const windowLength: Readonly<Record<Granularity, Milliseconds>> = {
  '15m': 15 * minute,
  '1h': 60 * minute,
  '4h': 240 * minute,
  '1d': 1440 * minute,
};

export function isGranularity(text: string): text is Granularity {
  return (granularities as readonly string[]).includes(text);
}

/**
 * When a day starts at the API, as the Beijing clock shows it: 08:00 (midnight in UTC) or midnight. 1d windows start with
 * it; finer ones lie on the same grid either way.
 */
export const dayStarts = ['08:00', '00:00'] as const;

export type DayStart = (typeof dayStarts)[number];

/** The grid of days on which a day starts at the instant; `undefined` where none does. */
export function dayStartAt(instant: Instant): DayStart | undefined {
  const hour = 60 * minute;
  switch (instant % windowLength['1d']) {
    case 0:
      return '08:00';
    case 16 * hour:
      return '00:00';
    default:
      return undefined;
  }
}
