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

  /** The token has values in the granularity after all. */
  forget(granularity: Granularity, token: Token): void {
    this.#ends.delete(keyOf(granularity, token));
  }
}

const keyOf = (granularity: Granularity, token: Token) => `${granularity} ${token}`;
