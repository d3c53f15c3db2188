import type { Logger } from 'pino';
import type { Attempt } from '../api/client.ts';
import type { Question } from '../api/dialects/index.ts';
import { ApiFailure } from '../api/failure.ts';
import type { Clock } from '../clock.ts';
import { wasAnsweredSince } from '../store/answers/requests.ts';
import type { Database } from '../store/connection/database.ts';
import { noteEvent, tryToEnd } from '../store/ledger/events.ts';
import {
  claimProbe,
  closeBreaker,
  everyRequestWrong,
  type OpenBreaker,
  openBreaker,
  readBreaker,
} from '../store/limits/breaker.ts';
import type { Milliseconds } from '../time.ts';

/** The code that refuses one call, whatever it says (API page, Error Codes). */
const noAccessToCall = 204;

/** A call that was answered so lately shows that access as a whole is granted, in milliseconds. */
const lately = 3_600_000;

/** A refusal so soon after the last one is the same, in milliseconds: a person's command forgets it and finds it again. */
const sameRefusal = 600_000;

/** Calls found wrong one after the other before all count as wrong: more than the search for one wrong token takes. */
const enoughWrong = 20;

/** Longer than the newest windows of an hour are apart: where some were answered, not every request is wrong. */
const fewHours: Milliseconds = 7_200_000;

/** How many probes are left out where every request is wrong: that does not change before somebody changes a setting. */
const rarer = 10;

/** Outcomes that show that the API understood the request. */
const understood: ReadonlySet<Attempt['outcome']> = new Set(['answered', 'no-data', 'metric-refused']);

export interface AccessGateOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds between two probes while the API refuses access. */
  readonly probeInterval: number;
}

/** Lets calls pass while the API grants access, and a probe now and then while it does not; the same for all processes. */
export class AccessGate {
  readonly #options: AccessGateOptions;
  /** The refusal that held when the last call was let through. */
  #probed: OpenBreaker | undefined;
  /** Requests of which a probe was sent: they may be divided, to find which part of them is wrong. */
  readonly #probes = new WeakSet<object>();
  #wrongInARow = 0;

  constructor(options: AccessGateOptions) {
    this.#options = options;
  }

  /** The breaker was closed when a call was let through. */
  noteGranted(): void {
    this.#probed = undefined;
  }

  /**
   * @param request stands for all calls of one request
   * @throws ApiFailure (`access-denied`, with the time until to ask again) where no call may be sent
   */
  async enter(request: object): Promise<void> {
    const { database, clock, probeInterval } = this.#options;
    const refusal = await readBreaker(database);
    this.#probed = refusal;
    if (refusal === undefined) return;
    const isWrong = refusal.code === everyRequestWrong;
    if (isWrong && this.#probes.has(request)) return;
    if (await claimProbe(database, clock.now(), this.#intervalOf(refusal.code))) {
      this.#probes.add(request);
      return;
    }
    throw new ApiFailure('access-denied', `${refusal.reason}; not asked again until the next probe`, {
      code: refusal.code ?? undefined,
      // Somebody may make a probe due before that.
      retryAfter: Math.min(probeInterval, Math.max(100, refusal.probeAt - clock.now())),
    });
  }

  /**
   * Stops everything where a call was denied access; lets it go on once a call shows that access is back. That the list of
   * tokens alone is refused stops nothing.
   */
  async note({ outcome, code, message }: Attempt, call: Question['call'] = 'endpoint'): Promise<void> {
    if (understood.has(outcome)) this.#wrongInARow = 0;
    if (outcome === 'access-denied') {
      if (call === 'coin/list' && (code === noAccessToCall || (await this.#wasAnsweredWithin(lately))))
        return;
      const reason = message ?? 'access denied';
      await this.#refuse(code, reason, `the API refuses access: ${reason}`);
      return;
    }
    const showsAccess = outcome === 'bad-request' && this.#probed?.code !== everyRequestWrong;
    if (this.#probed !== undefined && (understood.has(outcome) || showsAccess)) await this.#grant();
    if (outcome === 'bad-request' && call === 'endpoint') await this.#noteWrong(message);
  }

  /**
   * Where many calls in a row are found wrong, and nothing was answered for hours, it is how calls are made that is wrong:
   * everything stops. Should it be the requests all the same, a probe finds which part of its request is right.
   */
  async #noteWrong(message = 'wrong request'): Promise<void> {
    if (++this.#wrongInARow < enoughWrong || (await this.#wasAnsweredWithin(fewHours))) return;
    await this.#refuse(everyRequestWrong, message, `the API finds every request wrong: ${message}`);
  }

  async #grant(): Promise<void> {
    const { database, clock, log } = this.#options;
    this.#probed = undefined;
    if (await closeBreaker(database)) log.info('the API grants access again');
    await tryToEnd(database, log, { kind: 'access refused' }, clock.now());
  }

  async #refuse(code: number | undefined, reason: string, message: string): Promise<void> {
    const { database, clock, log } = this.#options;
    const now = clock.now();
    const isNew = await database.transaction(async (tx) => {
      await noteEvent(
        database,
        { kind: 'access refused', at: now, isOpen: true, message, joinsWithin: sameRefusal },
        tx,
      );
      return openBreaker(database, { code, reason }, now, this.#intervalOf(code), tx);
    });
    const does =
      code === everyRequestWrong
        ? 'the API finds every request wrong: nothing is sent but a probe now and then; `doctor --calibrate` finds out how it wants them'
        : 'the API refuses access: nothing is sent but a probe now and then';
    log[isNew ? 'error' : 'debug']({ code, reason }, does);
  }

  #intervalOf(code: number | null | undefined): Milliseconds {
    const { probeInterval } = this.#options;
    return code === everyRequestWrong ? rarer * probeInterval : probeInterval;
  }

  #wasAnsweredWithin(time: Milliseconds): Promise<boolean> {
    const { database, clock } = this.#options;
    return wasAnsweredSince(database, clock.now() - time);
  }
}
