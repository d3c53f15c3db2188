import { ApiFailure } from './failure.ts';

/**
 * Reads the body of a response as text, as far as it is not absurdly large: a faulty server must not fill our memory.
 * What comes compressed counts as large as it is unpacked.
 *
 * @param largest most bytes that are read
 * @throws ApiFailure (`transient`) where there are more; whatever the connection throws
 */
export async function readBody(response: Response, largest: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > largest) {
      throw new ApiFailure('transient', `the answer is larger than ${largest} bytes`, {
        code: response.status,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
