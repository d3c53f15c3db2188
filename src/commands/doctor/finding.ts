import { TryLaterError, UserError } from '../../errors.ts';

/** The finding of one check of `doctor`. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly message: string;
  /** The remedy, where there is one. */
  readonly remedy?: string | undefined;
  /** Of what failed: whether time or somebody else puts it right. */
  readonly mayPass?: boolean;
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message });

export const warning = (check: string, message: string, remedy: string): Finding => ({
  check,
  state: 'warning',
  message,
  remedy,
});

export const failed = (check: string, message: string, remedy: string): Finding => ({
  check,
  state: 'failed',
  message,
  remedy,
});

export const skipped = (check: string, message: string): Finding => ({ check, state: 'skipped', message });

/**
 * The message that other commands would print.
 * @throws any error that is neither a mistake of the user's nor passes by itself
 */
export function failedWith(check: string, error: unknown, remedy?: string): Finding {
  if (!(error instanceof UserError || error instanceof TryLaterError)) throw error;
  const mayPass = error instanceof TryLaterError;
  return { check, state: 'failed', message: error.message, remedy, mayPass };
}
