import { Command } from 'commander';
import { UserError } from '../../errors.ts';
import type { WantedWindows } from '../../planning/plan.ts';
import { settledUntil } from '../../planning/windows.ts';
import {
  type CertifiedScope,
  type Completeness,
  certifyValues,
  inCanonicalOrder,
  readCompleteness,
} from '../../store/reports/certificate.ts';
import { visibleLine } from '../../terminal.ts';
import { parseInstant } from '../options.ts';
import { count, counted, percent, printJson, printTable, writeErr, writeOut } from '../output.ts';
import { type CommandContext, runCommand } from '../run.ts';
import { openSelection, type Selection, type SelectionOptions, withSelectionOptions } from '../selection.ts';
import { type Times, timesIn, utcOption, wrapped } from '../times.ts';
import { type Certificate, certificateToJson, writeCertificate } from './file.ts';
import { verify } from './verify.ts';

interface CertifyOptions extends SelectionOptions {
  readonly at?: number;
  readonly output?: string;
  readonly force?: true;
  readonly verify?: string;
  readonly utc?: true;
  readonly json?: true;
}

export const certifyCommand = withSelectionOptions(new Command('certify'), {
  from: 'first day or instant; required but for --verify',
  to: 'end of the range, not included; required, too',
})
  .option('--at <date>', 'as it was known at that instant (default: now)', parseInstant)
  .option('--output <file>', 'write the certificate, for --verify')
  .option('--force', 'replace the file where there is one')
  .option('--verify <file>', 'compare what is known now, or --at, with a certificate')
  .option(...utcOption)
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    `
The hash depends on nothing but the values: any machine that has the same ones
gets the same. docs/certificates.md says how to work it out elsewhere.
--verify ends with 0 where the values are the same, else with 1.`,
  )
  .action((options: CertifyOptions) => runCommand((context) => run(options, context)));

async function run(options: CertifyOptions, context: CommandContext): Promise<number> {
  const { runtime } = context;
  const now = runtime.clock.now();
  if ((options.at ?? now) > now) throw new UserError('--at lies in the future: nothing is known of that yet');
  if (options.verify === undefined) return certify(options, context);
  const { from, to, granularity, token, metric, output } = options;
  if ([from, to, granularity, token, metric, output].some((each) => each !== undefined)) {
    throw new UserError('--verify takes range, granularities, tokens and metrics from the certificate');
  }
  return verify({ ...options, verify: options.verify }, context);
}

async function certify(options: CertifyOptions, { runtime, signal }: CommandContext): Promise<number> {
  const { from, to, output } = options;
  if (from === undefined || to === undefined) {
    throw new UserError('--from and --to are required, or --verify with a certificate');
  }
  const selection = await openSelection(options, runtime);
  const { database, desired, range, granularities } = selection;
  const now = runtime.clock.now();
  const at = options.at ?? now;
  const scope: CertifiedScope = {
    ...{ range, granularities },
    tokens: inCanonicalOrder(selection.tokens),
    metrics: inCanonicalOrder(selection.metrics),
  };
  const due = windowsDueAt(at, selection);
  const { wanted, ...values } = await certifyValues(database, scope, at, signal, due);
  const { apiVersion } = desired;
  const completeness = await readCompleteness(database, { ...scope, apiVersion }, due, wanted, now);
  const certificate: Certificate = { ...scope, ...values, at };
  const content = certificateToJson(certificate, completeness, now);
  if (output !== undefined) await writeCertificate(output, content, options.force === true);
  if (options.json === true) printJson(content);
  else print(certificate, completeness, timesIn(options.utc));
  if (output !== undefined) writeErr(`${output}: ${counted(values.parts.length, 'part')}\n`);
  return 0;
}

/** The windows that `gaps` would measure: those of the range that are wanted still, as far as they were due at the instant. */
function windowsDueAt(at: number, { wanted, desired, dayStart }: Selection): WantedWindows {
  return new Map(
    [...wanted].map(([granularity, { start, end }]) => {
      const due = Math.min(end, settledUntil(granularity, at, desired.settleDelay, dayStart));
      return [granularity, { start, end: Math.max(start, due) }];
    }),
  );
}

function print(certificate: Certificate, completeness: readonly Completeness[], times: Times): void {
  const { hash, values, range, at, tokens, metrics, granularities } = certificate;
  const { minute, second, zone } = times;
  writeOut(`hash    ${hash}\n`);
  writeOut(`range   ${minute(range.start)} to ${minute(range.end)} (${zone})\n`);
  writeOut(`known   at ${second(at)}\n`);
  const parts = [counted(values, 'value'), granularities.join(), counted(tokens.length, 'token')];
  writeOut(wrapped(`${parts.join(', ')}, ${counted(metrics.length, 'metric')}`, '        '));
  writeOut('\n');
  printTable(
    ['', 'wanted', 'values', 'complete'],
    completeness.map((part) => [
      part.granularity,
      count(part.wanted),
      count(part.values),
      percent(part.values, part.wanted),
    ]),
  );
  for (const { granularity, missing } of completeness) {
    const reasons = Object.entries(missing).map(([reason, cells]) => `${count(cells)} ${reason}`);
    if (reasons.length === 0) continue;
    writeOut(wrapped(visibleLine(`${granularity} lacks ${reasons.join(', ')}`), ''));
  }
}
