import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/**
 * Logs go to stderr, so that stdout holds results only: JSON lines for machines, readable lines for a person at a
 * terminal. What is logged is chosen field by field: never a request's body, never a setting that is a secret.
 */
export function createLogger(level: string, isTerminal = process.stderr.isTTY === true): Logger {
  const options = {
    level,
    base: null,
    redact: {
      paths: [
        'apiKey',
        'signSecret',
        'dataSecret',
        'dataIv',
        'password',
        '*.apiKey',
        '*.signSecret',
        '*.dataSecret',
      ].concat(['*.dataIv', '*.password', '*.authorization', 'databaseUrl', 'redisUrl']),
      censor: '[redacted]',
    },
  };
  if (!isTerminal) return pino(options, pino.destination({ dest: 2, sync: true }));
  return pino(
    options,
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
