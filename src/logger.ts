import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { visibleJsonLine } from './terminal.ts';

/** Fields that are secrets wherever they stand, should one ever be handed to a logger. */
const secretFields = [
  ...['apiKey', 'signSecret', 'dataSecret', 'dataIv', 'httpToken', 'authorization', 'password'],
  ...['databaseUrl', 'redisUrl', 'proxy'],
];

/**
 * Logs go to stderr, so that stdout holds results only: JSON lines for machines, readable lines for a person at a
 * terminal. Fields are chosen one by one: never a request's body, never a setting that is a secret.
 */
export function createLogger(level: string, isTerminal = process.stderr.isTTY === true): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  };
  if (!isTerminal) return pino(options, pino.destination({ dest: 2, sync: true }));
  return pino(
    // What others wrote is shown, and never moves the cursor of the terminal.
    { ...options, hooks: { streamWrite: visibleJsonLine } },
    pretty({
      destination: 2,
      sync: true,
      translateTime: 'SYS:HH:MM:ss',
      ignore: 'pid,hostname',
      singleLine: true,
      colorize: true,
    }),
  );
}
