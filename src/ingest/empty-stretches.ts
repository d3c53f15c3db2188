import type { Answer } from '../api/decode.ts';
import type { Granularity, Token } from '../catalog/index.ts';
import type { DataRequest } from '../planning/request.ts';

/** How far before a window that was found empty the windows are taken to be so, too, in milliseconds. */
const stretchLength = 30 * 86_400_000;

/**
 * For which tokens the API was found to have nothing, as this process remembers it. A token that lacks a granularity is
 * probed once a month of its windows, not once a request.
 */
export class EmptyStretches {
  /** End of what was found empty, by granularity and token; milliseconds since the epoch. */
  readonly #ends = new Map<string, number>();

  #speaksForAll = false;

  /** Whether an answer has shown that the API leaves out the tokens it has nothing of: code 203 then speaks of all. */
  get speaksForAll(): boolean {
    return this.#speaksForAll;
  }

  /** Tokens with values are not empty; tokens without, beside them, show that those are left out. */
  noteAnswer({ granularity, tokens }: DataRequest, { rows }: Answer): void {
    const present = new Set(rows.map(({ token }) => token));
    for (const token of present) this.#ends.delete(keyOf(granularity, token));
    if (present.size > 0 && present.size < tokens.length) this.#speaksForAll = true;
  }

  /** Whether all tokens of the request were found to have nothing in the month that ends after it. */
  holds({ granularity, tokens, interval }: DataRequest): boolean {
    return tokens.every((token) => {
      const end = this.#ends.get(keyOf(granularity, token));
      return end !== undefined && interval.end <= end && end - interval.start <= stretchLength;
    });
  }

  /** The API had nothing for the newest window of the request, nor for the request. */
  add({ granularity, tokens, interval }: DataRequest): void {
    for (const token of tokens) {
      const key = keyOf(granularity, token);
      const end = this.#ends.get(key);
      if (end !== undefined && interval.end <= end && end - interval.start <= stretchLength) continue;
      this.#ends.set(key, interval.end);
    }
  }
}

const keyOf = (granularity: Granularity, token: Token) => `${granularity} ${token}`;
