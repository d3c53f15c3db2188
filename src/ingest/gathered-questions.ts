interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Questions of one kind to the database. One that comes alone is asked at once; those that come while a statement is under way
 * wait for it, and the next one is about all of them.
 */
export class GatheredQuestions<Question, Answer> {
  readonly #ask: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  #waiting: Waiting<Question, Answer>[] = [];
  #isAsking = false;

  /** @param ask asks them by one statement; answers come in their order */
  constructor(ask: (questions: readonly Question[]) => Promise<readonly Answer[]>) {
    this.#ask = ask;
  }

  /** @throws what the statement throws */
  ask(question: Question): Promise<Answer> {
    return new Promise((answered, failed) => {
      this.#waiting.push({ question, answered, failed });
      if (!this.#isAsking) void this.#askAll();
    });
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const together = this.#waiting;
      this.#waiting = [];
      await this.#askTogether(together);
    }
    this.#isAsking = false;
  }

  async #askTogether(together: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.#ask(together.map(({ question }) => question));
      for (const [place, answer] of answers.entries()) together[place]?.answered(answer);
    } catch (error) {
      for (const { failed } of together) failed(error);
    }
  }
}
