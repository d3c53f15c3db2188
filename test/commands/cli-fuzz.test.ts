import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFolder, type Environment, errorLines, expectMistake, runCli } from './cli.ts';

/** 46 processes, each given something wrong. */

const range = ['--from', '2025-06-01', '--to', '2025-06-02'];
const dryRun = ['backfill', ...range, '--dry-run'];
const long = 'x'.repeat(100_000);

/** Command lines, with what the message must name. */
const mistakes: readonly (readonly [args: readonly string[], named: readonly string[]])[] = [
  [[''], ["unknown command ''"]],
  [['\ud83d'], ['unknown command']],
  [['__proto__'], ["unknown command '__proto__'"]],
  [[long], ['unknown command', 'xxx']],
  [['--nonsense'], ['--nonsense']],
  [
    ['status', 'more'],
    ['status', 'too many arguments'],
  ],
  [['status', '--json=yes'], ['--json=yes']],
  [['gaps', '--from'], ['--from']],
  [
    ['gaps', '--from', ''],
    ['--from', "''"],
  ],
  [
    ['gaps', '--from', '2025\n\u001b[2J01'],
    ['--from', "'2025 [2J01'"],
  ],
  [
    ['gaps', '--from', long],
    ['--from', "xxx' is no date"],
  ],
  [
    ['gaps', '--from', '00:00'.repeat(25_000)],
    ['--from', "00:00' is no date"],
  ],
  [['gaps', '--to', '2025-06-31T00:00:00+99:99'], ['--to']],
  [
    ['gaps', '--granularity', ','],
    ['--granularity', 'empty'],
  ],
  [['gaps', '--metric', `mention_count,${long}`], ['--metric']],
  [
    [...dryRun, '--token', 'A\u2028B'],
    ['--token', "'A B' is no token"],
  ],
  [
    [...dryRun, '--max-requests', '1e400'],
    ['--max-requests', "'1e400'"],
  ],
  [['backfill', '--from', '2025-06-02', '--to', '2025-06-01'], ['--from must lie before --to']],
  [
    ['start', '--role', 'boss'],
    ['--role', 'scheduler'],
  ],
  [
    ['demo', '--days', '-1'],
    ['--days', "'-1'"],
  ],
  [
    ['demo', '--days', '99999'],
    ['--days', 'ten years'],
  ],
  [['simulate'], ['--port']],
  [
    ['simulate', '--port', '65536'],
    ['--port', "'65536'"],
  ],
  [['simulate', '--port', '0', '--host', ' '], ['--host']],
  [
    ['simulate', '--port', '0', '--host', '203.0.113.1'],
    ['--host', '203.0.113.1'],
  ],
  [
    ['simulate', '--port', '0', '--faults', '__proto__=1'],
    ['--faults', '__proto__'],
  ],
];

/** Settings, with what the message must name. */
const wrongSettings: readonly (readonly [settings: Environment, named: readonly string[]])[] = [
  [{ SETTLE_DELAY: 'a\nb\u001b[2J' }, ['SETTLE_DELAY', "'a b [2J'"]],
  [{ SETTLE_DELAY: long }, ['SETTLE_DELAY', '.env.example']],
  [{ METRICS: 'x,'.repeat(30_000) }, ['METRICS', "'x'"]],
  [{ DATABASE_URL: 'postgresql://%ff:S3CRET@no-such-host.invalid/%zz' }, ['DATABASE_URL', 'no-such-host']],
  [{ REDIS_URL: 'redis://:S3CRET@localhost/main' }, ['REDIS_URL']],
  [{ CRYPTORACLE_BASE_URL: 'https://user:S3CRET@localhost' }, ['CRYPTORACLE_BASE_URL']],
  [{ CRYPTORACLE_WIRE: '['.repeat(100_000) }, ['CRYPTORACLE_WIRE']],
  [{ HTTP_TOKEN_FILE: '/nowhere/at\nall' }, ['HTTP_TOKEN_FILE', '/nowhere/at all']],
];

describe('whatever is wrong is told in one line:', () => {
  const place = createFolder();

  const short = (value: unknown) => JSON.stringify(value).slice(0, 70);

  it.concurrent.each(mistakes.map(([args, named]) => [short(args), args, named] as const))(
    'the command line %s',
    async (_, args, named) => {
      const ended = await runCli(place, args);
      expectMistake(ended, named);
      expect(ended.stderr.split('\n')).toHaveLength(2);
    },
  );

  it.concurrent.each(wrongSettings.map(([settings, named]) => [short(settings), settings, named] as const))(
    'the settings %s',
    async (_, settings, named) => {
      const ended = await runCli(place, ['status'], settings);
      expectMistake(ended, named);
      expect(ended.stderr.split('\n')).toHaveLength(2);
      expect(ended.stderr).not.toContain('S3CRET');
    },
  );

  it('any words on the command line, where the settings are wrong, too', async () => {
    const word = fc.oneof(
      fc.constantFrom(
        'backfill',
        'gaps',
        'status',
        'start',
        'simulate',
        '--from',
        '--port',
        '--json',
        '0',
        '--',
      ),
      fc.string({ unit: fc.constantFrom(...'09Z:-+. ,=@TBC/\n\u00e9\u6bd4\u{1f680}') }),
    );
    const lines = fc.sample(fc.array(word, { minLength: 1, maxLength: 6 }), 12);
    const endings = await Promise.all(lines.map((args) => runCli(place, args, { LOG_LEVEL: 'loud' })));
    for (const [at, ended] of endings.entries()) {
      const told = `${JSON.stringify(lines[at])}: ${ended.stderr}`;
      expect(ended.code, told).toBe(1);
      expect(ended.stdout, told).toBe('');
      if (!ended.stderr.startsWith('Usage: ')) expect(errorLines(ended), told).toHaveLength(1);
    }
  });

  it('and nothing is left behind', () => {
    expect(readdirSync(place)).toEqual([]);
  });
});
