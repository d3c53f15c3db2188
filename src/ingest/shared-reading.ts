/** A statement that all who ask at the same time wait for: it is sent once for them. */
export class SharedReading<T> {
  readonly #read: () => Promise<T>;
  #underWay: Promise<T> | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** Waits for the statement that is under way, or sends it. @throws what the statement throws */
  async get(): Promise<T> {
    const reading = this.#underWay ?? this.#read();
    this.#underWay = reading;
    try {
      return await reading;
    } finally {
      if (this.#underWay === reading) this.#underWay = undefined;
    }
  }

  /** Has the next who asks send it anew: what is being read now may be from before. */
  forget(): void {
    this.#underWay = undefined;
  }
}
