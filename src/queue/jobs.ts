import { createHash } from 'node:crypto';
import { z } from 'zod';
import { formatBeijing } from '../beijing.ts';
import {
  bundledCatalogue,
  type Catalogue,
  type Granularity,
  granularities,
  isTagCode,
  isToken,
  type MetricCode,
} from '../catalog/index.ts';
import { type Lane, lanes } from '../planning/lanes.ts';
import type { DataRequest } from '../planning/request.ts';
import type { Instant } from '../time.ts';

/**
 * The queues. `plan` holds what the clock asks for, the others one job for each request: `live` those for the newest
 * windows, which have workers of their own and never wait behind anything else. All can be emptied at any time: the next
 * plan puts back whatever the ledger lacks.
 */
export const planQueue = 'plan';
export const liveQueue = 'live';
export const fetchQueue = 'fetch';
export const queueNames = [planQueue, liveQueue, fetchQueue] as const;

/** A task that is due, by its name in the table of tasks. */
export const planJobSchema = z.object({
  task: z.string(),
  /** Whether only older windows of a granularity are meant, which come after all that the clock asks for. */
  older: z.boolean().default(false),
});
export type PlanJob = z.input<typeof planJobSchema>;

/** A request on its way through the queue, for metrics of the catalogue. */
const makeFetchJobSchema = (catalogue: Catalogue) =>
  z.object({
    granularity: z.enum(granularities),
    tokens: z.array(z.string().refine(isToken)),
    metrics: z.array(z.string().refine((code): code is MetricCode => catalogue.has(code))),
    tags: z.array(z.string().refine(isTagCode)),
    /** Milliseconds since the epoch. */
    from: z.number().int(),
    to: z.number().int(),
    lane: z.enum(lanes),
  });
type FetchJobSchema = ReturnType<typeof makeFetchJobSchema>;
export type FetchJob = z.input<FetchJobSchema>;

const schemas = new WeakMap<Catalogue, FetchJobSchema>();

/** The schema of jobs, made once for each catalogue: every job is checked with it. */
export function fetchJobSchema(catalogue: Catalogue = bundledCatalogue): FetchJobSchema {
  const known = schemas.get(catalogue);
  if (known !== undefined) return known;
  const schema = makeFetchJobSchema(catalogue);
  schemas.set(catalogue, schema);
  return schema;
}

export function toFetchJob(request: DataRequest, lane: Lane): FetchJob {
  return {
    granularity: request.granularity,
    tokens: [...request.tokens],
    metrics: [...request.metrics],
    tags: [...request.tags],
    from: request.interval.start,
    to: request.interval.end,
    lane,
  };
}

const anyJobSchema = z.object({ granularity: z.enum(granularities) });

/** Whether data are those of a job about the granularity, as far as this can be said without checking the rest. */
export function isJobOf(granularity: Granularity, data: unknown): boolean {
  return anyJobSchema.safeParse(data).data?.granularity === granularity;
}

export function requestOf({ from, to, lane: _, ...cells }: z.output<FetchJobSchema>): DataRequest {
  return { ...cells, interval: { start: from, end: to } };
}

/** @throws ZodError where the job is none of ours */
export function fromFetchJob(
  data: unknown,
  catalogue?: Catalogue,
): { readonly request: DataRequest; readonly lane: Lane } {
  const job = fetchJobSchema(catalogue).parse(data);
  return { request: requestOf(job), lane: job.lane };
}

/**
 * The same request always has the same id, so that BullMQ refuses to queue it twice. Readable as far as it can be; no
 * colons, which BullMQ keeps for itself.
 */
export function fetchJobId(request: DataRequest): string {
  const cells = [request.tokens.join(), request.metrics.join(), request.tags.join()].join('|');
  const digest = createHash('sha256').update(cells).digest('hex').slice(0, 16);
  const time = (instant: Instant) => formatBeijing(instant).replace(' ', 'T').replaceAll(/[-:]/g, '');
  return [request.granularity, time(request.interval.start), time(request.interval.end), digest].join('_');
}

/** BullMQ runs smaller numbers first. */
export function priorityOf(lane: Lane): number {
  return lanes.indexOf(lane) + 1;
}
