import { intersection, isEmpty } from '../../planning/interval.ts';
import type { DataRequest } from '../../planning/request.ts';
import type { Database } from '../connection/database.ts';
import { isOutage, isRetryable } from '../connection/errors.ts';
import type { WrittenRows } from './rows.ts';
import { type AnswerToStore, storeAnswers } from './write.ts';

/** Most answers of a transaction: twice as many take as long an answer, and hold their locks twice as long. */
const mostAnswers = 16;

/** Most rows of a transaction, so that answers of a large record limit are not held back by one another. */
const mostRows = 4000;

/**
 * Transactions at a time, where they share no token: while the server works on one, the next one is made ready. One that
 * had to wait for another's locks is better made larger meanwhile.
 */
const mostTransactions = 2;

interface Waiting {
  readonly answer: AnswerToStore;
  readonly done: (written: WrittenRows) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Stores the answers of a process. One that comes alone is stored at once; those that come while others are being stored
 * wait for them, and then share a transaction, which is most of the cost of a small one.
 */
export class AnswerWriter {
  readonly #database: Database;
  #waiting: Waiting[] = [];
  readonly #underWay = new Set<readonly Waiting[]>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores an answer whole or not at all. Settles once it is committed. @throws what the database says about it */
  store(answer: AnswerToStore): Promise<WrittenRows> {
    return new Promise((done, failed) => {
      this.#waiting.push({ answer, done, failed });
      this.#next();
    });
  }

  #next(): void {
    while (this.#underWay.size < mostTransactions) {
      const together = this.#takeTogether();
      if (together.length === 0) return;
      this.#underWay.add(together);
      void this.#storeTogether(together).finally(() => {
        this.#underWay.delete(together);
        this.#next();
      });
    }
  }

  /** Takes the first that wait, as far as no two are about the same cells, nor about tokens that are being stored. */
  #takeTogether(): Waiting[] {
    const taken: Waiting[] = [];
    const busy = [...this.#underWay].flat();
    let rows = 0;
    for (const each of this.#waiting) {
      const { request, rows: more } = each.answer;
      if (taken.length === mostAnswers || (taken.length > 0 && rows + more.length > mostRows)) break;
      // One that came earlier is stored earlier.
      if (busy.some(({ answer }) => shareToken(answer.request, request))) break;
      if (taken.some(({ answer }) => overlap(answer.request, request))) break;
      taken.push(each);
      rows += more.length;
    }
    this.#waiting = this.#waiting.slice(taken.length);
    return taken;
  }

  async #storeTogether(together: readonly Waiting[]): Promise<void> {
    try {
      const written = await storeAnswers(
        this.#database,
        together.map(({ answer }) => answer),
      );
      for (const [position, { done }] of together.entries()) {
        done(written[position] ?? { rowsWritten: 0, revisions: 0 });
      }
    } catch (error) {
      if (together.length === 1 || isRetryable(error) || isOutage(error)) {
        for (const { failed } of together) failed(error);
      } else {
        // One of them cannot be stored, and the others shall not suffer from it.
        for (const each of together) await this.#storeTogether([each]);
      }
    }
  }
}

/** Whether two requests may be about the same row. */
function overlap(a: DataRequest, b: DataRequest): boolean {
  return !isEmpty(intersection(a.interval, b.interval)) && shareToken(a, b);
}

/** Whether two requests are about the same token in the same granularity: then they lock it, one after the other. */
function shareToken(a: DataRequest, b: DataRequest): boolean {
  if (a.granularity !== b.granularity) return false;
  const tokens = new Set(a.tokens);
  return b.tokens.some((token) => tokens.has(token));
}
