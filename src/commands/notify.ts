import { Command } from 'commander';
import { TryLaterError, UserError } from '../errors.ts';
import { testMessage } from '../notify/message.ts';
import { NotDelivered, post } from '../notify/webhook.ts';
import { notificationKinds, readTold } from '../store/ledger/notifications.ts';
import { printJson, printTable, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import type { Runtime } from './runtime.ts';
import { timesIn, utcOption } from './times.ts';

interface NotifyOptions {
  readonly test?: true;
  readonly utc?: true;
  readonly json?: true;
}

export const notifyCommand = new Command('notify')
  .option('--test', 'send a message to NOTIFY_WEBHOOK now')
  .option(...utcOption)
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    `
While the pipeline runs it tells by NOTIFY_WEBHOOK, each kind once an hour:
${Object.entries(notificationKinds)
  .map(([kind, meaning]) => `  ${kind.padEnd(11)} ${meaning}`)
  .join('\n')}

Without --test: what was told, and when.`,
  )
  .action((options: NotifyOptions) => runCommand((context) => notify(options, context)));

async function notify({ test, utc, json }: NotifyOptions, { runtime }: CommandContext): Promise<number> {
  if (test === true) return sendTest(runtime, json === true);
  const told = await readTold(await runtime.openExistingDatabase());
  if (json === true) {
    printJson(
      [...told.values()].map(({ sentAt, toldUntil: _, ...each }) => ({
        ...each,
        sentAt: sentAt === null ? null : new Date(sentAt).toISOString(),
      })),
    );
    return 0;
  }
  const times = timesIn(utc);
  printTable(
    ['', `last sent (${times.zone})`, '', 'message'],
    Object.keys(notificationKinds).map((kind) => {
      const each = [...told.values()].find((row) => row.kind === kind);
      const message = each?.message.split('\n').slice(0, 2).join(' ') ?? '';
      return [
        kind,
        times.minute(each?.sentAt ?? undefined),
        each?.isOpen === true ? 'not over' : '',
        message.slice(0, 80),
      ];
    }),
  );
  return 0;
}

/** @throws UserError, TryLaterError where it does not arrive */
async function sendTest({ settings, fetch }: Runtime, json: boolean): Promise<number> {
  const webhook = settings.notifyWebhook;
  if (webhook === undefined) {
    throw new UserError(
      'NOTIFY_WEBHOOK is not set: it is the address that a chat such as Slack gives for messages',
    );
  }
  try {
    await post(webhook, testMessage, fetch);
  } catch (error) {
    if (!(error instanceof NotDelivered)) throw error;
    throw new TryLaterError(`NOTIFY_WEBHOOK: the message did not arrive: ${error.message}`);
  }
  if (json) printJson({ sent: true });
  else writeOut('sent\n');
  return 0;
}
