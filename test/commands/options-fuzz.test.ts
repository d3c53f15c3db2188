import { type Command, CommanderError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { apiVersions, granularities, isToken } from '../../src/catalog/index.ts';
import { backfillCommand } from '../../src/commands/backfill/command.ts';
import { demoCommand } from '../../src/commands/demo.ts';
import { gapsCommand } from '../../src/commands/gaps.ts';
import { migrateCommand } from '../../src/commands/migrate.ts';
import { roles } from '../../src/commands/roles.ts';
import { simulateCommand } from '../../src/commands/simulate.ts';
import { startCommand } from '../../src/commands/start.ts';
import { statusCommand } from '../../src/commands/status/command.ts';
import { behaviourSchema, coverages } from '../../src/simulator/index.ts';
import { gapReasons } from '../../src/store/reports/gap-reasons.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { mutatedText } from '../support/mutations.ts';
import { expectQuick } from '../support/processor-time.ts';

/** 2,000 command lines for each of the seven commands; none is carried out. */

// A busy machine takes several times as long.
vi.setConfig({ testTimeout: 180_000 });

const commands = [
  demoCommand,
  startCommand,
  migrateCommand,
  backfillCommand,
  gapsCommand,
  statusCommand,
  simulateCommand,
];

type Check = (value: unknown) => boolean;

const isOneOf =
  (list: readonly unknown[]): Check =>
  (value) =>
    list.includes(value);
const isBetween =
  (least: number, most: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
const isListOf =
  (is: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length > 0 && new Set(value).size === value.length && value.every(is);
const isInstant = isBetween(-Date.UTC(9999, 0), Date.UTC(10_000, 0));
const isCount = isBetween(1, Number.MAX_SAFE_INTEGER);
const isPart: Check = (value) => typeof value === 'number' && value >= 0 && value <= 1;
const isShare: Check = (fault) =>
  typeof fault === 'object' && fault !== null && 'probability' in fault && Number(fault.probability) <= 1;

/** What an option may come to, whatever was given. */
const checks: Readonly<Record<string, Check>> = {
  from: isInstant,
  to: isInstant,
  granularity: isListOf(isOneOf(granularities)),
  token: (value) =>
    value === 'all' || isListOf((token) => typeof token === 'string' && isToken(token))(value),
  metric: (value) =>
    value === 'all' || isListOf((name) => typeof name === 'string' && name.trim() !== '')(value),
  maxRequests: isCount,
  maxBehind: isBetween(0, Number.MAX_SAFE_INTEGER),
  minComplete: isPart,
  seed: isCount,
  rateLimit: isCount,
  days: isBetween(1, 3650),
  port: isBetween(0, 65_535),
  host: (value) => typeof value === 'string' && value.trim() !== '',
  overLimit: isOneOf(['error', 'cut']),
  api: isOneOf(apiVersions),
  coverage: isOneOf(coverages),
  behaviour: (value) => behaviourSchema.partial().safeParse(value).success,
  control: (value) => typeof value === 'string' && value.trim() !== '',
  role: isOneOf(roles),
  faults: (value) => Object.values(Object(value)).every(isShare),
  reason: isListOf(isOneOf(gapReasons)),
  ...Object.fromEntries(
    ['dryRun', 'json', 'exit', 'refresh', 'all', 'check', 'utc', 'detach'].map((flag) => [
      flag,
      isOneOf([true]),
    ]),
  ),
};

/** Values that suit. */
const examples: Readonly<Record<string, readonly string[]>> = {
  '--from': ['2025-01-31', '2025-01-31T08:00:00Z', '2025-01-31 08:00+08:00'],
  '--to': ['2025-02-01 12:30:00'],
  '--granularity': ['1h,4h', 'all', '15m'],
  '--token': ['BTC,ETH', 'all'],
  '--metric': ['mention_count,CO-A-02-03'],
  '--max-requests': ['7'],
  '--max-behind': ['0', '3'],
  '--min-complete': ['99.9', '0.999', '50%'],
  '--seed': ['42'],
  '--rate-limit': ['100'],
  '--days': ['30'],
  '--reason': ['failed', 'not asked yet,quarantined'],
  '--port': ['8080', '0'],
  '--host': ['::1'],
  '--over-limit': ['cut'],
  '--api': ['v2.1'],
  '--coverage': ['tiers'],
  '--behaviour': ['dayStart=08:00,recordUnit=row', 'refusedMetrics=CO-A-01-05'],
  '--control': ['control.json'],
  '--role': ['worker'],
  '--faults': ['error500=0.1,slow=2000@0.1', 'cutConnection=halfway@1', 'throttle=body@0.5'],
};

const example = fc.constantFrom(...Object.values(examples).flat(), '-1', '--', '-', '', ' ');

const text = fc.oneof(
  example,
  fc.tuple(example, fc.integer()).map(([value, seed]) => mutatedText(value, seed)),
  fc.string({ unit: fc.constantFrom(...'019Z:-+. ,=@TBC/\0\n\u00e9\u6bd4\ud800\u{1f680}') }),
);

/** Options of the command and of others, with values and without, and what is none. */
function commandLines(command: Command): fc.Arbitrary<string[]> {
  const suited = (name: string) => fc.tuple(fc.constant(name), fc.constantFrom(...(examples[name] ?? ['x'])));
  const required = command.options.filter(({ mandatory }) => mandatory).map(({ long }) => suited(long ?? ''));
  const known = command.options.map(({ long }) => long ?? '');
  const flag = fc.constantFrom(...known, ...known, '--from', '--port', '--__proto__', '--json=yes', '-x');
  const part = fc.oneof(
    { weight: 4, arbitrary: flag.chain(suited) },
    { weight: 4, arbitrary: fc.tuple(flag, text) },
    { weight: 2, arbitrary: fc.tuple(flag, text).map(([name, value]) => [`${name}=${value}`]) },
    fc.tuple(flag),
    fc.tuple(text),
  );
  const parts = fc.array(part, { maxLength: 4 });
  return fc
    .oneof(
      parts,
      fc.tuple(fc.tuple(...required), parts).map(([first, more]) => [...first, ...more]),
    )
    .map((line) => line.flat());
}

describe('whatever is typed after', () => {
  const said: string[] = [];

  it.each(commands.map((command) => [command.name(), command] as const))(
    '%s is read as what its options may be, or refused in one message',
    (_, command) => {
      let carriedOut = 0;
      let refused = 0;
      for (const each of [command, ...command.commands]) {
        each
          .exitOverride()
          .configureOutput({
            writeOut: () => {},
            writeErr: () => {},
            outputError: (message) => said.push(message),
          })
          .action(() => {
            carriedOut++;
          });
      }
      fc.assert(
        fc.property(commandLines(command), (args) => {
          said.length = 0;
          expectQuick(() => {
            try {
              command.parse(args, { from: 'user' });
              for (const [name, value] of Object.entries(command.opts())) {
                if (checks[name]?.(value) !== true) throw new Error(`--${name} is ${JSON.stringify(value)}`);
              }
            } catch (error) {
              if (!(error instanceof CommanderError)) throw error;
              if (error.code === 'commander.helpDisplayed') return;
              refused++;
              expect(error.exitCode).toBe(1);
              expect(said).toHaveLength(1);
              expect(said[0]).toMatch(/^error: /);
            }
          });
        }),
        { numRuns: fuzzRuns(500) },
      );
      expect(refused).toBeGreaterThan(fuzzRuns(50));
      expect(carriedOut).toBeGreaterThan(2);
    },
  );
});
