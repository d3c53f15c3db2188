import type { Reply } from '../proxy.ts';
import { ApiFailure } from './failure.ts';

/** Room that a body gets at first, in bytes; most answers fit. */
const firstRoom = 128 * 1024;

/**
 * Reads the body of a response as text, as far as it is not absurdly large: a faulty server must not fill our memory.
 * A compressed body counts as large as it is unpacked.
 *
 * @param largest most bytes that are read
 * @throws ApiFailure (`transient`) where there are more; whatever the connection throws
 */
export async function readBody(response: Pick<Reply, 'body' | 'status'>, largest: number): Promise<string> {
  // One buffer that grows: a list of pieces costs hundreds of bytes for each, and a server may send them one by one.
  let bytes = Buffer.alloc(Math.min(firstRoom, largest));
  let size = 0;
  for await (const piece of response.body ?? []) {
    const needed = size + piece.byteLength;
    if (needed > largest) {
      throw new ApiFailure('transient', `the answer is larger than ${largest} bytes`, {
        code: response.status,
      });
    }
    if (needed > bytes.length) {
      const larger = Buffer.alloc(Math.min(largest, Math.max(needed, 2 * bytes.length)));
      bytes.copy(larger, 0, 0, size);
      bytes = larger;
    }
    bytes.set(piece, size);
    size = needed;
  }
  return bytes.toString('utf8', 0, size);
}
