import type { Attempt, CallContext } from '../api/client.ts';
import type { Question } from '../api/dialects/index.ts';
import type { Lane } from '../planning/lanes.ts';
import type { RateLimiter } from '../store/limits/rate-limiter.ts';
import type { AccessGate } from './access.ts';
import type { ApiOutage } from './api-outage.ts';
import type { ClockOffset } from './clock-offset.ts';
import type { IngestContext } from './context.ts';

/** The gate that every call on the wire passes: the breaker, the budget of whoever asked for it, and the rate limiter. */
export class CallGate {
  readonly #access: AccessGate;
  readonly #rateLimiter: RateLimiter;

  readonly #clockOffset: ClockOffset;
  readonly #outage: ApiOutage;

  constructor(access: AccessGate, rateLimiter: RateLimiter, clockOffset: ClockOffset, outage: ApiOutage) {
    this.#access = access;
    this.#rateLimiter = rateLimiter;
    this.#clockOffset = clockOffset;
    this.#outage = outage;
  }

  /**
   * Waits until a call may be sent.
   * @param context the same object for all calls of a request
   * @throws ApiFailure (`access-denied`) where none may, what `beforeCall` throws, BudgetSpent, the signal's reason
   */
  async admit(lane: Lane, context: IngestContext): Promise<void> {
    const { signal, beforeCall, withdrawCall } = context;
    beforeCall?.();
    try {
      if (await this.#rateLimiter.acquireWhileGranted(lane, signal)) {
        this.#access.noteGranted();
      } else {
        await this.#access.enter(context);
        await this.#rateLimiter.acquire(lane, signal);
      }
    } catch (error) {
      withdrawCall?.();
      throw error;
    }
  }

  /**
   * The surroundings of a call.
   *
   * @param isAdmitted whether its first attempt has passed the gate already
   * @param call what is called
   */
  contextOf(
    lane: Lane,
    context: IngestContext,
    isAdmitted: boolean,
    onAttempt: (attempt: Attempt) => Promise<void>,
    call: Question['call'] = 'endpoint',
  ): CallContext {
    let passes = isAdmitted ? 1 : 0;
    return {
      ...(context.signal === undefined ? {} : { signal: context.signal }),
      turn: async () => {
        if (passes-- > 0) return;
        await this.admit(lane, context);
      },
      onAttempt: async (attempt) => {
        if (attempt.outcome === 'throttled') await this.#rateLimiter.holdBack(attempt.retryAfter ?? 1000);
        await this.#access.note(attempt, call);
        await this.#clockOffset.note(attempt);
        await this.#outage.note(attempt);
        await onAttempt(attempt);
      },
    };
  }
}
