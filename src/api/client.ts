import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { oneLine } from '../errors.ts';
import { type Fetch, fetchDirectly, type Reply } from '../proxy.ts';
import type { Instant, Milliseconds } from '../time.ts';
import { readBody } from './body.ts';
import { Overdue, withDeadline } from './deadline.ts';
import type { Credentials, Dialect, MetricsQuestion, Question } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { backoff, defaultRetryPolicy, type RetryPolicy } from './retry.ts';

/** One call on the wire, for the request log. */
export interface Attempt {
  readonly outcome: 'answered' | ApiFailure['kind'];
  readonly code: number | undefined;
  readonly milliseconds: Milliseconds;
  readonly message: string | undefined;
  /** How long the API asked us to wait. */
  readonly retryAfter: Milliseconds | undefined;
  /** The time on the API's clock, by its `Date` header, to the second. */
  readonly serverTime: Instant | undefined;
}

export interface ApiClientOptions {
  readonly baseUrl: string;
  readonly dialect: Dialect;
  /** The credentials, or what gives those of now, asked before each call. */
  readonly credentials: Credentials | (() => Credentials);
  readonly clock: Clock;
  /** The way to the API; directly unless said otherwise. */
  readonly fetch?: Fetch;
  readonly retry?: RetryPolicy;
  /** After how long a call without a complete answer counts as failed. */
  readonly timeout?: Milliseconds;
  /** Largest answer that is read, in bytes. */
  readonly largestAnswer?: number;
  /** A number in 0..1 for the jitter. */
  readonly random?: () => number;
}

/** The surroundings of a call. */
export interface CallContext {
  /** Ends the call at once. */
  readonly signal?: AbortSignal;
  /** Waits until a call may be sent; called before every attempt. */
  readonly turn?: (signal: AbortSignal | undefined) => Promise<void>;
  /** Told of every attempt that failed and of the one that was answered. */
  readonly onAttempt?: (attempt: Attempt) => Promise<void> | void;
}

/**
 * Speaks with the API in a dialect: sends, repeats what may do better, opens the answer. Knows nothing of what the
 * answer means.
 */
export class ApiClient {
  readonly #options: Required<ApiClientOptions>;

  constructor(options: ApiClientOptions) {
    this.#options = {
      fetch: fetchDirectly,
      retry: defaultRetryPolicy,
      timeout: 60_000,
      largestAnswer: 32 * 1024 * 1024,
      random: Math.random,
      ...options,
    };
  }

  /**
   * Asks for values and tags.
   * @returns the payload of the answer, still unchecked; `null` where the API says that there is nothing
   * @throws ApiFailure when the API refuses or all attempts failed; the signal's reason when aborted
   */
  fetchMetrics(question: MetricsQuestion, context: CallContext = {}): Promise<unknown> {
    return this.#call({ call: 'endpoint', about: question }, context, this.#options.retry.attempts);
  }

  /**
   * Asks which tokens the API knows. Gives and throws as {@link fetchMetrics}, but soon: the call is known to be missing
   * from later versions of the API, and the list we have will do.
   */
  fetchTokens(context: CallContext = {}): Promise<unknown> {
    return this.#call({ call: 'coin/list' }, context, Math.min(2, this.#options.retry.attempts));
  }

  async #call(question: Question, context: CallContext, attempts: number): Promise<unknown> {
    const { retry, random } = this.#options;
    for (let attempt = 1; ; attempt++) {
      context.signal?.throwIfAborted();
      await context.turn?.(context.signal);
      const sent = performance.now();
      let serverTime: Instant | undefined;
      const report = (outcome: Attempt['outcome'], failure?: ApiFailure) =>
        context.onAttempt?.({
          outcome,
          code: failure === undefined ? 200 : failure.code,
          message: failure?.message,
          retryAfter: failure?.retryAfter,
          milliseconds: Math.round(performance.now() - sent),
          serverTime,
        });
      try {
        const answer = await this.#send(question, context.signal, (headers) => {
          serverTime = timeOf(headers);
        });
        await report('answered');
        return answer;
      } catch (error) {
        context.signal?.throwIfAborted();
        if (!(error instanceof ApiFailure)) throw error;
        await report(error.kind, error);
        if (!error.isRetryable || attempt >= attempts) throw error;
        await sleep(backoff(retry, attempt, error.retryAfter, random()), undefined, {
          signal: context.signal,
        }).catch((aborted: unknown) => {
          context.signal?.throwIfAborted();
          throw aborted;
        });
      }
    }
  }

  #credentials(): Credentials {
    const { credentials } = this.#options;
    return typeof credentials === 'function' ? credentials() : credentials;
  }

  async #send(
    question: Question,
    signal: AbortSignal | undefined,
    onHeaders: (headers: Reply['headers']) => void,
  ): Promise<unknown> {
    const { baseUrl, dialect, clock, timeout, largestAnswer, fetch } = this.#options;
    const credentials = this.#credentials();
    const call = dialect.encode(question, credentials, clock.now());
    const { status, headers, body } = await withDeadline(timeout, signal, async (abort) => {
      const response = await fetch(`${baseUrl}/${call.path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...call.headers },
        body: call.body,
        signal: abort,
        redirect: 'manual',
      });
      onHeaders(response.headers);
      refuseRedirect(response);
      return {
        status: response.status,
        headers: response.headers,
        body: await readBody(response, largestAnswer),
      };
    }).catch((error: unknown) => {
      if (error instanceof ApiFailure) throw error;
      const isLate = error instanceof Overdue;
      const reason = isLate ? `no complete answer within ${timeout / 1000} s` : networkReason(error);
      // The cause is left out: undici keeps in it what the server sent.
      throw new ApiFailure('transient', reason);
    });
    return dialect.open({ status, retryAfter: headers.get('retry-after'), body }, credentials, clock.now());
  }
}

/** @throws ApiFailure (`transient`) */
function refuseRedirect({ status, body }: Reply): void {
  if (status < 300 || status > 399) return;
  body?.cancel().catch(() => {});
  throw new ApiFailure('transient', `HTTP status ${status}: a redirect, which is not followed`, {
    code: status,
  });
}

function timeOf(headers: Reply['headers']): Instant | undefined {
  const time = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** undici says "fetch failed" and hides the reason in the cause. */
function networkReason(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  if (!(reason instanceof Error)) return 'the connection failed';
  const code = 'code' in reason && typeof reason.code === 'string' ? reason.code : undefined;
  return `the connection failed: ${oneLine(reason.message || code || reason.name)}`;
}
