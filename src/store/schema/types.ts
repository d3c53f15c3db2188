import { customType, pgSchema, timestamp } from 'drizzle-orm/pg-core';

/** Everything people query lives in this schema. */
export const cryptoracle = pgSchema('cryptoracle');

/** A set of disjoint time ranges; merged and subtracted by PostgreSQL itself. */
export const tstzmultirange = customType<{ data: string }>({ dataType: () => 'tstzmultirange' });

/** One stretch of time, half-open. */
export const tstzrange = customType<{ data: string }>({ dataType: () => 'tstzrange' });

/** An instant with time zone. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });
