import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reply } from './reply.ts';

/**
 * Sends a reply in the way that it says: whole, cut off, or a byte at a time.
 *
 * @param shownTime what the header `Date` says, in milliseconds since the epoch; `undefined`: the machine's time
 * @param signal ends what drips
 */
export async function deliver(
  response: ServerResponse,
  reply: Reply,
  shownTime: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (reply.cut === 'before') {
    response.destroy();
    return;
  }
  const body = Buffer.from(reply.body);
  const date = shownTime === undefined ? {} : { Date: new Date(shownTime).toUTCString() };
  response.writeHead(reply.status, { ...reply.headers, ...date, 'Content-Length': body.length });
  if (reply.cut === 'halfway') {
    response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
    return;
  }
  if (reply.drip !== undefined) await drip(response, body, reply.drip, signal);
  response.end(reply.drip === undefined ? body : undefined);
}

async function drip(
  response: ServerResponse,
  body: Buffer,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  response.flushHeaders();
  for (let at = 0; at < body.length && !response.destroyed; at += 1) {
    response.write(body.subarray(at, at + 1));
    await pause(milliseconds, undefined, { signal });
  }
}
