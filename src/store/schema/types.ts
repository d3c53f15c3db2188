import { bigint, customType, pgSchema } from 'drizzle-orm/pg-core';
import type { Instant } from '../../time.ts';

/** Everything people query lives in this schema. */
export const cryptoracle = pgSchema('cryptoracle');

/** A set of disjoint time ranges; merged and subtracted by PostgreSQL itself. */
export const tstzmultirange = customType<{ data: string }>({ dataType: () => 'tstzmultirange' });

/** One stretch of time, half-open. */
export const tstzrange = customType<{ data: string }>({ dataType: () => 'tstzrange' });

function instantOf(dataType: string) {
  return customType<{ data: Instant; driverData: string }>({
    dataType: () => dataType,
    toDriver: (instant) => new Date(instant).toISOString(),
    // Sessions have DateStyle ISO and write instants in UTC.
    fromDriver: (text) => Date.parse(text),
  });
}

/** An instant of ours, when something was done or seen. */
export const instant = instantOf('timestamp (3) with time zone');

/** Start or end of windows, or an instant of the database's own clock, which counts microseconds. */
export const exactInstant = instantOf('timestamp with time zone');

/** A number in the order of entry. */
export const id = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
