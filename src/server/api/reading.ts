import { type SQL, sql } from 'drizzle-orm';
import type { Catalogue } from '../../catalog/index.ts';
import { Database, type Transaction } from '../../store/connection/database.ts';
import { errorCode } from '../../store/connection/errors.ts';
import type { Reader } from '../../store/connection/reader.ts';

/** What the page and the API read with: connections of their own, with the rights of readers and a bound on every question. */

/** Milliseconds after which a question is ended. */
const longestQuestion = 8000;

/** Questions at a time, of all visitors together. */
const connections = 4;

/** A question took longer than it may. */
export class QuestionTooLarge extends Error {
  override readonly name = 'QuestionTooLarge';

  constructor(longest: number) {
    super(`the database did not answer this within ${longest / 1000} s; ask for less at a time`);
  }
}

export class Reading implements Reader {
  readonly #database: Database;
  #role: Promise<string> | undefined;

  readonly #longest: number;

  /**
   * @param written the database that the pipeline writes
   * @param longest milliseconds after which a question is ended
   */
  constructor(written: Pick<Database, 'url' | 'catalogue'>, longest = longestQuestion) {
    const { url, catalogue } = written;
    this.#longest = longest;
    this.#database = new Database(url, { connections, catalogue });
  }

  get catalogue(): Catalogue {
    return this.#database.catalogue;
  }

  /** Runs one question written in SQL and gives its rows. @throws as {@link run} */
  query<Row extends Record<string, unknown>>(name: string, statement: SQL): Promise<Row[]> {
    return this.#inTransaction((tx) => this.#database.query<Row>(name, statement, tx));
  }

  /**
   * Runs one question made with Drizzle's builder, and gives its rows as Drizzle infers them.
   * @throws QuestionTooLarge where it takes too long, else what PostgreSQL says
   */
  run<T>(name: string, question: (db: Transaction) => PromiseLike<T>): Promise<T> {
    return this.#inTransaction((tx) => this.#database.run(name, question, tx));
  }

  /** Asks several questions, one after the other, of one state of the database. @throws as {@link run} */
  together<T>(work: (reader: Reader) => Promise<T>): Promise<T> {
    const { catalogue } = this;
    return this.#inTransaction((tx) =>
      work({
        catalogue,
        query: (name, statement) => this.#database.query(name, statement, tx),
        run: (name, question) => this.#database.run(name, question, tx),
      }),
    );
  }

  /** Runs in a transaction that only reads, as `cryptoracle_reader` where this login may become that. */
  async #inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.#role ??= this.#findRole();
    const role = await this.#role.catch((error) => {
      this.#role = undefined;
      throw error;
    });
    try {
      return await this.#database.transaction(async (tx) => {
        const bounds = `set transaction read only; ${role}; set local statement_timeout = ${this.#longest}`;
        await this.#database.query('begin reading', sql.raw(bounds), tx);
        return work(tx);
      });
    } catch (error) {
      const canceled = '57014';
      throw errorCode(error) === canceled ? new QuestionTooLarge(this.#longest) : error;
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #findRole(): Promise<string> {
    const [row] = await this.#database.query<{ may: boolean }>(
      'may become reader',
      sql`
        select coalesce(
          (select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = 'cryptoracle_reader'), false
        ) as may`,
    );
    return row?.may === true ? 'set local role cryptoracle_reader' : 'select';
  }
}
