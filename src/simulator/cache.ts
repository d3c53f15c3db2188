/** Keeps the newest-used `capacity` results of a calculation; never changes what comes out, only how fast. */
export class Cache<Value> {
  readonly #kept = new Map<number, Value>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity);
  }

  get(key: number, calculate: (key: number) => Value): Value {
    const known = this.#kept.get(key);
    if (known !== undefined) {
      // A map iterates in the order of insertion: putting it back makes it the newest.
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const value = calculate(key);
    this.#kept.set(key, value);
    if (this.#kept.size > this.#capacity) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    }
    return value;
  }
}
