import { type Granularity, granularities } from '../../../catalog/index.ts';

/** A view as people query it. Its columns stand in the order of the query's. */
export interface View {
  readonly name: string;
  readonly comment: string;
  /** Comments by column. */
  readonly columns: Readonly<Record<string, string>>;
  readonly query: string;
}

/**
 * One query for each granularity, as one. Where a condition names the granularity, PostgreSQL plans and reads that
 * one alone.
 */
export function eachGranularity(query: (granularity: Granularity) => string): string {
  return granularities.map(query).join('\nunion all\n');
}
