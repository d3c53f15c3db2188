import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/values.ts';
import { innermost, UserError } from '../errors.ts';
import { addressFor } from '../store/connection/address.ts';
import {
  createReader,
  dropReader,
  generatePassword,
  listReaders,
  renewReader,
} from '../store/setup/readers.ts';
import { duration, printJson, printTable, writeOut } from './output.ts';
import { runCommand } from './run.ts';
import type { Runtime } from './runtime.ts';

interface CreateOptions {
  readonly timeout: number;
  readonly passwordFile?: string;
  readonly rotate?: true;
}

export const readerCommand = new Command('reader');

readerCommand
  .command('create')
  .description('make a login, and print its password once')
  .argument('<name>', 'its name', parseName)
  .addOption(
    new Option('--timeout <duration>', 'end its statements after this time, say 30s or 5m; 0s: never')
      .argParser(parseTimeout)
      .default(60_000, '60s'),
  )
  .option('--password-file <file>', 'take the password from a file, and print none')
  .option('--rotate', 'where the login exists, give it a new password, and its timeout anew')
  .addHelpText('after', '\nExample: cryptoracle reader create grafana')
  .action((name: string, options: CreateOptions) =>
    runCommand(({ runtime }) => create(runtime, name, options)),
  );

readerCommand
  .command('list')
  .description('the logins there are')
  .option('--json', 'print the result as JSON')
  .action((options: { json?: true }) =>
    runCommand(async ({ runtime }) => {
      const readers = await listReaders(await runtime.openExistingDatabase());
      if (options.json) printJson(readers);
      else
        printTable(
          ['reader', 'statements end after'],
          readers.map(({ name, statementTimeout }) => [name, describeTimeout(statementTimeout)]),
        );
      return 0;
    }),
  );

readerCommand
  .command('drop')
  .description('remove a login')
  .argument('<name>', 'its name', parseName)
  .action((name: string) =>
    runCommand(async ({ runtime }) => {
      await dropReader(await runtime.openExistingDatabase(), name);
      writeOut(`the reader '${name}' is gone\n`);
      return 0;
    }),
  );

/** The setting without a unit is in milliseconds; somebody may have changed it to one with a unit. */
function describeTimeout(setting: string | null): string {
  if (setting === null || setting === '0') return 'never';
  return /^\d+$/.test(setting) ? duration(Number(setting) / 1000) : setting;
}

async function create(runtime: Runtime, name: string, options: CreateOptions): Promise<number> {
  const database = await runtime.openDatabase(2);
  const given = options.passwordFile === undefined ? undefined : readPassword(options.passwordFile);
  const password = given ?? generatePassword();
  const isNew = await createReader(database, name, { password, timeout: options.timeout });
  if (!isNew && options.rotate !== true) {
    writeOut(
      `the reader '${name}' exists, and stays as it is; --rotate gives it a new password and timeout\n`,
    );
    return 0;
  }
  if (!isNew) await renewReader(database, name, { password, timeout: options.timeout });
  writeOut(`the reader '${name}' ${isNew ? 'may log in' : 'has a new password'}\n`);
  if (given === undefined) {
    writeOut(
      `password, shown this once: ${password}\naddress: ${addressFor(database.url, name, password)}\n`,
    );
    if (runtime.settings.databaseUrl === undefined) {
      writeOut('it is served while `start` or the demo runs on this DATA_DIR\n');
    }
  }
  return 0;
}

function readPassword(file: string): string {
  let password: string;
  try {
    password = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UserError(`--password-file: ${innermost(error)}`, { cause: error });
  }
  if (!/^[\x21-\x7e]{8,200}$/.test(password)) {
    throw new UserError('--password-file: needs 8 to 200 printable ASCII characters without blanks');
  }
  return password;
}

/** PostgreSQL cuts longer names short without a word. */
function parseName(text: string): string {
  if (!/^[a-z_][a-z0-9_-]{0,62}$/.test(text)) {
    throw new InvalidArgumentError('Use up to 63 small letters, digits, _ and -, a letter first.');
  }
  return text;
}

function parseTimeout(text: string): number {
  const timeout = parseDuration(text);
  if (timeout === undefined || timeout > 2 ** 31 - 1) {
    throw new InvalidArgumentError(`'${text}' is no duration such as 30s or 5m.`);
  }
  return timeout;
}
