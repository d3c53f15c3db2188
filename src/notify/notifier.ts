import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { innermost } from '../errors.ts';
import { type Fetch, fetchDirectly } from '../proxy.ts';
import type { Database } from '../store/connection/database.ts';
import type { StatedScope } from '../store/ledger/desired-scope.ts';
import {
  type NotificationKind,
  notificationKinds,
  readTold,
  storeTold,
  type Told,
} from '../store/ledger/notifications.ts';
import type { Instant, Milliseconds } from '../time.ts';
import { decide, type Notification } from './decide.ts';
import { messageOf } from './message.ts';
import { readNews } from './news.ts';
import { post } from './webhook.ts';

export interface NotifierOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stated: StatedScope;
  readonly webhook: string;
  /** The way to it; directly unless said otherwise. */
  readonly fetch?: Fetch;
  /** How often it is looked whether there is something to tell. */
  readonly interval?: Milliseconds;
}

const everyMinute: Milliseconds = 60_000;

/**
 * Tells people by a webhook what is wrong, what is well again, and what became of their backfills. What was told stands in
 * the database: any number of notifiers send each message once.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isFailing = false;

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
      const news = await readNews(database, stated, told, now);
      for (const each of decide(news, told, now)) await this.#send(each, told, now);
    });
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
    { kind, lines, opens, closes }: Notification,
    told: ReadonlyMap<NotificationKind, Told>,
    now: Instant,
  ): Promise<void> {
    const { database, webhook, log } = this.#options;
    const message = messageOf(kind, lines);
    const has = (kinds: readonly NotificationKind[], each: NotificationKind) => kinds.includes(each);
    await post(webhook, message, this.#options.fetch ?? fetchDirectly);
    log.info({ notification: kind }, 'told by the webhook');
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
