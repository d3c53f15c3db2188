import { z } from 'zod';
import { given, granularity } from './parts.ts';

/** The life of one window, as `/why` tells it. */

const metric = z.string().describe('API code of the metric');

const storedCall = z.object({
  id: z.number(),
  sentAt: given,
  lane: z.string(),
  outcome: z.string(),
  code: z.number().nullable(),
  records: z.number(),
  milliseconds: z.number(),
  message: z.string().nullable(),
  metrics: z.array(metric).describe('Those of the metrics in question that it asked for'),
  tokens: z.number().describe('Tokens that it asked for, all in all'),
});

const cellOfStory = z.object({
  metric,
  column: z.string(),
  value: z.number().nullable(),
  knownSince: given.nullable(),
  reason: z.string().nullable().describe('Why there is no value; null where there is one, or none is due'),
  detail: z.string().nullable(),
  unwanted: z.string().nullable().describe('What says that it is not wanted; null where it is'),
});

const quarantined = z.object({
  id: z.number(),
  metric: metric.nullable(),
  reason: z.string(),
  raw: z.string(),
  firstSeenAt: given,
  timesSeen: z.number(),
  resolution: z.string().nullable(),
  resolvedAt: given.nullable(),
});

const happened = z.object({
  id: z.number(),
  at: given,
  until: given,
  isOpen: z.boolean(),
  kind: z.string(),
  granularity: granularity.nullable(),
  subject: z.string(),
  message: z.string(),
  times: z.number(),
});

export const story = z.object({
  token: z.string(),
  granularity,
  window: z.object({ from: given, to: given }),
  dueAt: given.describe('When it had closed and settled'),
  firstSeenAt: given.nullable(),
  backfilled: z.boolean().nullable().describe('Whether it was loaded as history, long after it was due'),
  states: z.array(z.string()).describe('How its values stand, in words'),
  moments: z
    .array(z.object({ at: given, what: z.string(), detail: z.string() }))
    .describe('What happened to it, in the order of time'),
  next: z
    .array(z.object({ metrics: z.array(metric), what: z.string(), at: given.nullable() }))
    .describe('What happens next, and when'),
  cells: z.array(cellOfStory),
  calls: z.array(storedCall).describe('The newest calls that asked for it, oldest first'),
  revisions: z.array(z.object({ metric, old: z.number().nullable(), new: z.number(), revisedAt: given })),
  quarantine: z.array(quarantined),
  notes: z.array(
    z.object({ metric, note: z.string(), value: z.number(), detail: z.string(), notedAt: given }),
  ),
  events: z.array(happened).describe('Outages and refusals while it was due and not there'),
});
