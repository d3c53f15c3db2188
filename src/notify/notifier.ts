import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { innermost } from '../errors.ts';
import { type Fetch, fetchDirectly } from '../proxy.ts';
import type { Database } from '../store/connection/database.ts';
import { isOutage } from '../store/connection/errors.ts';
import type { StatedScope } from '../store/ledger/desired-scope.ts';
import {
  type NotificationKind,
  notificationKinds,
  readTold,
  storeTold,
  type Told,
} from '../store/ledger/notifications.ts';
import { freeBytesOn } from '../store/reports/trouble-facts.ts';
import { remedies } from '../store/reports/troubles.ts';
import type { Instant, Milliseconds } from '../time.ts';
import { atMostEvery, decide, type Notification } from './decide.ts';
import { messageOf } from './message.ts';
import { type OwnFacts, readNews } from './news.ts';
import { NotDelivered, post } from './webhook.ts';

export interface NotifierOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stated: StatedScope;
  readonly webhook: string;
  /** The way to it; directly unless said otherwise. */
  readonly fetch?: Fetch;
  /** What keeps the queue from working, as this process knows it; `undefined` where nothing does. */
  readonly queueProblem?: () => string | undefined;
  /** Where the embedded database has its files. */
  readonly dataDir?: string | undefined;
  /** How often it is looked whether there is something to tell. */
  readonly interval?: Milliseconds;
}

const everyMinute: Milliseconds = 60_000;

/** A database that is away for less is no news: one that restarts, say. */
const awayFor: Milliseconds = 120_000;

/**
 * Tells people by a webhook what is wrong, what is well again, and what became of their backfills. What was told stands in
 * the database: any number of notifiers send each message once.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isFailing = false;
  #awaySince: Instant | undefined;
  #awayToldAt: Instant | undefined;
  #isAwayTold = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#options.interval ?? everyMinute);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Looks once, and sends what is due; does nothing while that is under way. Never throws: the log tells. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .then(() => this.#tellThatDatabaseIsBack())
      .catch((error: unknown) => this.#failed(error))
      .then(() => this.#note(undefined))
      .catch((error: unknown) => this.#note(error))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { database, clock, stated } = this.#options;
    await database.exclusivelyIfFree('notify', async () => {
      const now = clock.now();
      const told = await this.#readTold(now);
      const news = await readNews(database, stated, told, clock, await this.#ownFacts());
      for (const each of decide(news, told, now)) await this.#send(each, told, now);
    });
  }

  /** What this process knows besides the database. */
  async #ownFacts(): Promise<OwnFacts> {
    const { queueProblem, dataDir } = this.#options;
    const diskFreeBytes = dataDir === undefined ? undefined : await freeBytesOn(dataDir);
    return { queueProblem: queueProblem?.(), diskFreeBytes };
  }

  /** @throws what it is given where that is not an outage of the database */
  async #failed(error: unknown): Promise<void> {
    if (error instanceof NotDelivered || !isOutage(error)) throw error;
    await this.#tellThatDatabaseIsAway();
  }

  /** What was told stands in the database: while that is away, this process remembers by itself. */
  async #tellThatDatabaseIsAway(): Promise<void> {
    const now = this.#options.clock.now();
    this.#awaySince ??= now;
    const sentAt = this.#awayToldAt;
    const isDue = now - this.#awaySince >= awayFor && (sentAt === undefined || now - sentAt >= atMostEvery);
    if (this.#isAwayTold || !isDue) return;
    await this.#post(
      'database',
      messageOf('database', ['the database does not answer'], [remedies.database]),
    );
    this.#isAwayTold = true;
    this.#awayToldAt = now;
  }

  async #tellThatDatabaseIsBack(): Promise<void> {
    this.#awaySince = undefined;
    if (!this.#isAwayTold) return;
    await this.#post('recovered', messageOf('recovered', ['the database answers']));
    this.#isAwayTold = false;
  }

  async #post(kind: NotificationKind, message: string): Promise<void> {
    const { webhook, log, fetch = fetchDirectly } = this.#options;
    await post(webhook, message, fetch);
    log.info({ notification: kind }, 'told by the webhook');
  }

  /** A kind that was never looked at begins now: old events are no news. */
  async #readTold(now: Instant): Promise<ReadonlyMap<NotificationKind, Told>> {
    const { database } = this.#options;
    const told = new Map(await readTold(database));
    for (const kind of Object.keys(notificationKinds) as NotificationKind[]) {
      if (told.has(kind)) continue;
      const first: Told = { kind, isOpen: false, sentAt: null, toldUntil: now, message: '' };
      await storeTold(database, first);
      told.set(kind, first);
    }
    return told;
  }

  async #send(
    { kind, lines, remedies: helps, opens, closes }: Notification,
    told: ReadonlyMap<NotificationKind, Told>,
    now: Instant,
  ): Promise<void> {
    const { database } = this.#options;
    const message = messageOf(kind, lines, helps);
    const has = (kinds: readonly NotificationKind[], each: NotificationKind) => kinds.includes(each);
    await this.#post(kind, message);
    for (const { kind: each, ...before } of told.values()) {
      const sent = each === kind ? { sentAt: now, toldUntil: now, message } : {};
      const isOpen = has(opens, each) || (before.isOpen && !has(closes, each));
      if (each === kind || isOpen !== before.isOpen) {
        await storeTold(database, { ...before, kind: each, ...sent, isOpen });
      }
    }
  }

  /** One line when messages no longer arrive, and one when they do again. */
  #note(error: unknown): void {
    const { log } = this.#options;
    if (error !== undefined && !this.#isFailing) {
      log.warn({ reason: innermost(error) }, 'notifications do not arrive: tried again every minute');
    }
    if (error === undefined && this.#isFailing) log.info('notifications arrive again');
    this.#isFailing = error !== undefined;
  }
}
