import { z } from 'zod';
import { granularities } from '../../../catalog/granularities.ts';

/** Pieces that questions and answers share. */

export const granularity = z.enum(granularities).describe('Length of a window');

/** Instants are given in UTC, and taken with any offset. */
export const instant = z.iso.datetime({ offset: true }).describe('An instant, ISO 8601 with its offset');

export const given = z.string().describe('An instant in UTC, ISO 8601');

export const token = z.string().min(1).max(64).describe('Ticker of a token');

export const page = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.number().nullable().describe('The next `cursor`; null at the end'),
  });

export const range = {
  from: instant.describe('Start of the range'),
  to: instant.describe('End of the range, not included'),
};
