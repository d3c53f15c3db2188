import type { z } from 'zod';
import type * as schemas from './schemas/index.ts';

/** The API's answers as types, for the page. */

export type Session = z.output<typeof schemas.session>;
export type Catalogue = z.output<typeof schemas.catalogue>;
export type Metrics = z.output<typeof schemas.metrics>;
export type Now = z.output<typeof schemas.now>;
export type Trouble = z.output<typeof schemas.trouble>;
export type Freshness = z.output<typeof schemas.freshness>;
export type Values = z.output<typeof schemas.values>;
export type Movers = z.output<typeof schemas.movers>;
export type Zscores = z.output<typeof schemas.zscores>;
export type Coverage = z.output<typeof schemas.coverage>;
export type Cell = z.output<typeof schemas.cell>;
export type Story = z.output<typeof schemas.story>;
export type Requests = z.output<typeof schemas.requests>;
export type Failures = z.output<typeof schemas.failures>;
export type Events = z.output<typeof schemas.events>;
export type Refusals = z.output<typeof schemas.refusals>;
export type Quarantine = z.output<typeof schemas.quarantine>;
export type SuspendedRules = z.output<typeof schemas.suspendedRules>;
export type TokensFreshness = z.output<typeof schemas.tokensFreshness>;
export type Notes = z.output<typeof schemas.notes>;
export type Revisions = z.output<typeof schemas.revisions>;
export type Price = z.output<typeof schemas.price>;
export type Order = z.output<typeof schemas.order>;
export type Orders = z.output<typeof schemas.orders>;
export type OrderProgress = z.output<typeof schemas.orderProgress>;

/** What the page brings along, in its element `first`. */
export interface First {
  readonly session: Session;
  /** How things were less than a minute ago, where that is known. */
  readonly status?: Now | undefined;
}

export type { Granularity } from '../../catalog/granularities.ts';
