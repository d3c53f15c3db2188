import type { Logger } from 'pino';
import { ApiFailure } from '../api/failure.ts';
import { innermost } from '../errors.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import { isOutage } from '../store/database.ts';
import { type JobWorker, type QueueBackend, rateLimitError } from './backend.ts';
import { fetchQueue, fromFetchJob } from './jobs.ts';

/** The call that was refused itself comes back soon, and then learns when the next probe is due. */
const shortestWait = 1000;

const defaultOutagePause = 10_000;

export interface FetcherOptions {
  readonly backend: QueueBackend;
  readonly ingestor: Ingestor;
  readonly log: Logger;
  /** Jobs at a time in this process. */
  readonly concurrency: number;
  /** How long nothing is asked for while it cannot be stored, in milliseconds. */
  readonly outagePause?: number;
}

/** Works off the fetch queue. Any number of them may run; a job that is done twice writes nothing the second time. */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #stopping = new AbortController();
  #worker: JobWorker | undefined;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { backend, concurrency } = this.#options;
    this.#worker = backend.worker(fetchQueue, (job) => this.#run(job.data), { concurrency });
    await this.#worker.waitUntilReady();
  }

  /** Ends calls that are under way; their gaps stay for the next plan. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#worker?.close();
  }

  async #run(data: unknown): Promise<void> {
    const { ingestor, log, outagePause = defaultOutagePause } = this.#options;
    const { request, lane } = fromFetchJob(data);
    const context = { lane, granularity: request.granularity };
    try {
      const tally = await ingestor.ingest(request, lane, { signal: this.#stopping.signal });
      log.debug({ ...context, ...tally }, 'fetched');
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if (error instanceof ApiFailure && error.kind === 'access-denied')
        throw await this.#wait(error.retryAfter ?? shortestWait);
      if (error instanceof ApiFailure) {
        log.warn(
          { ...context, kind: error.kind, reason: error.message },
          'not fetched: the gap stays for the next plan',
        );
        throw error;
      }
      log.error({ ...context, error: innermost(error) }, 'not stored');
      if (isOutage(error)) throw await this.#wait(outagePause);
      throw error;
    }
  }

  /** No job will do better: they all wait, this one too. */
  async #wait(milliseconds: number): Promise<Error> {
    await this.#worker?.rateLimit(milliseconds);
    return rateLimitError();
  }
}
