import { innermost } from '../errors.ts';
import type { Fetch, Reply } from '../proxy.ts';

/** Sends texts to a chat: `{"text": …}`, as Slack and those that are like it take them. */

/** How long a chat may take to answer, in milliseconds. */
const patience = 10_000;

/** A message that did not arrive. Its text holds no part of the address, which is a secret. */
export class NotDelivered extends Error {
  override readonly name = 'NotDelivered';
}

/** @throws NotDelivered */
export async function post(webhook: string, text: string, fetch: Fetch): Promise<void> {
  let response: Reply;
  try {
    response = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      redirect: 'manual',
      signal: AbortSignal.timeout(patience),
    });
    await response.body?.cancel();
  } catch (error) {
    throw new NotDelivered(innermost(error).replaceAll(webhook, 'the webhook'));
  }
  if (!response.ok) throw new NotDelivered(`HTTP status ${response.status}`);
}
