import type { Dialect, IncomingCall, SealedCredentials } from '../api/dialects/index.ts';
import { type JsonObject, Refusal } from './refusal.ts';

/**
 * Opens a request, as the server of its dialect does.
 *
 * @param now milliseconds since the epoch
 * @returns the business parameters, still unchecked, or why the request is refused
 */
export function openRequest(
  call: IncomingCall,
  credentials: SealedCredentials,
  { server }: Dialect,
  now: number,
): JsonObject | Refusal {
  const read = server.read(call, credentials, now);
  return 'business' in read ? read.business : new Refusal(read.refusal.code, read.refusal.message);
}
