import { type Granularity, granularities } from '../../catalog/index.ts';

/** A view as people query it. Its columns stand in the order of the query's. */
export interface View {
  readonly name: string;
  readonly comment: string;
  /** Comments by column. */
  readonly columns: Readonly<Record<string, string>>;
  readonly query: string;
}

/** The length of a window as PostgreSQL reads it. A day is 24 hours, whatever the session's time zone does. */
export const lengths: Readonly<Record<Granularity, string>> = {
  '15m': "interval '15 minutes'",
  '1h': "interval '1 hour'",
  '4h': "interval '4 hours'",
  '1d': "interval '24 hours'",
};

/**
 * One query for each granularity, as one. Where a condition names the granularity, PostgreSQL plans and reads that
 * one alone.
 */
export function eachGranularity(query: (granularity: Granularity) => string): string {
  return granularities.map(query).join('\nunion all\n');
}
