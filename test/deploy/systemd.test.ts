import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { roles } from '../../src/commands/roles.ts';

const folder = fileURLToPath(new URL('../../deploy/systemd', import.meta.url));
const units = readdirSync(folder);
const read = (unit: string) => readFileSync(`${folder}/${unit}`, 'utf8');

/** The values of a unit's directive. */
const valuesOf = (unit: string, directive: string) =>
  [...read(unit).matchAll(new RegExp(`^${directive}=(.*)$`, 'gm'))].map(([, value = '']) => value);

describe('the units of systemd', () => {
  const instances: readonly (readonly [string, string])[] = [
    ...roles.map((role) => [role, role] as const),
    ['worker-2', 'worker'],
    ['worker-two-b', 'worker'],
  ];

  it.each(instances)('start as cryptoracle@%s the role %s', (instance, role) => {
    const [start = ''] = valuesOf('cryptoracle@.service', 'ExecStart');
    // As systemd.unit(5) and systemd.service(5) say of specifiers and dollar signs.
    const line = start
      .replaceAll(/%(.)/g, (_, each) => (each === 'i' ? instance : each))
      .replaceAll('$$', '$');
    const [, script = ''] = /^\/bin\/sh -c '(.*)'$/.exec(line) ?? [];
    const { stdout } = spawnSync('sh', ['-c', script.replace('exec node', 'echo')], { encoding: 'utf8' });
    expect(stdout).toBe(`dist/cli.js start --role ${role}\n`);
  });

  it('hand the owner of the database to `migrate` alone, which comes first', () => {
    const withOwner = units.filter((unit) => read(unit).includes('owner.env'));
    expect(withOwner).toEqual(['cryptoracle-migrate.service']);
    expect(valuesOf('cryptoracle@.service', 'After')[0]).toContain('cryptoracle-migrate.service');
  });

  it('never give up', () => {
    for (const unit of units) expect(valuesOf(unit, 'StartLimitIntervalSec'), unit).toEqual(['0']);
  });

  it.each(units)('%s is one that systemd understands, where that is installed', (unit) => {
    const { status, stderr, error } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', `${folder}/${unit}`],
      {
        encoding: 'utf8',
      },
    );
    if (error !== undefined) return;
    const lines = stderr.split('\n').filter((line) => line.includes(folder));
    expect(lines).toEqual([]);
    expect([0, 1]).toContain(status);
  });
});
