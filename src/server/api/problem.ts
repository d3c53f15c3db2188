import type { Logger } from 'pino';
import { innermost, UserError } from '../../errors.ts';
import { errorCode, isOutage } from '../../store/connection/errors.ts';
import { remedies } from '../../store/reports/troubles.ts';
import { QuestionTooLarge } from './reading.ts';

/** A failed question as whoever asked it is told. */
export interface Problem {
  /** HTTP status. */
  readonly status: number;
  readonly error: string;
  readonly remedy?: string;
}

/**
 * Tells mistakes of whoever asks in their own words, and of anything else no more than what they can do about it; the log
 * has the rest.
 *
 * @param what names the question in the log
 */
export function problemOf(error: unknown, what: string | undefined, log: Logger): Problem {
  if (error instanceof UserError) return { status: 400, error: error.message };
  if (error instanceof QuestionTooLarge) return { status: 503, error: error.message };
  log.warn({ path: what, reason: innermost(error) }, 'a question of the page failed');
  if (errorCode(error) === '42501') {
    return {
      status: 503,
      error: 'the login of DATABASE_URL may not read this; grant cryptoracle_reader to it',
    };
  }
  if (isOutage(error))
    return { status: 503, error: 'the database does not answer', remedy: remedies.database };
  return { status: 500, error: 'unexpected failure, the log has more' };
}
