/** A statement that all who ask at the same time wait for: it is sent once for them. */
export class SharedReading<T> {
  readonly #read: () => Promise<T>;
  readonly #keep: (value: T) => void;
  #underWay: Promise<T> | undefined;

  /** @param keep takes what was read, unless that was forgotten meanwhile */
  constructor(read: () => Promise<T>, keep: (value: T) => void) {
    this.#read = read;
    this.#keep = keep;
  }

  /** Waits for the statement that is under way, or sends it. @throws what the statement throws */
  get(): Promise<T> {
    this.#underWay ??= this.#start();
    return this.#underWay;
  }

  /** Has the next who asks send it anew: what is being read now may be from before. */
  forget(): void {
    this.#underWay = undefined;
  }

  #start(): Promise<T> {
    const reading = this.#read()
      .then((value) => {
        if (this.#underWay === reading) this.#keep(value);
        return value;
      })
      .finally(() => {
        if (this.#underWay === reading) this.#underWay = undefined;
      });
    return reading;
  }
}
