import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

/** What SECURITY.md says of the packages that the program is built from. */

function read<Shape extends z.ZodType>(name: string, shape: Shape): z.infer<Shape> {
  return shape.parse(JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')));
}

const { allowScripts } = read('package.json', z.object({ allowScripts: z.record(z.string(), z.boolean()) }));
const { packages } = read(
  'package-lock.json',
  z.object({
    packages: z.record(
      z.string(),
      z.object({ integrity: z.string().optional(), hasInstallScript: z.boolean().optional() }),
    ),
  }),
);
const installed = Object.entries(packages).filter(([path]) => path !== '');
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

describe('every package', () => {
  it('is pinned by its digest', () => {
    expect(installed.length).toBeGreaterThan(100);
    for (const [path, { integrity }] of installed) expect(integrity, path).toMatch(/^sha512-/);
  });

  it('that has an install script is allowed to run it, or denied, by name', () => {
    const withScript = installed.filter(([, one]) => one.hasInstallScript === true);
    const names = new Set(withScript.map(([path]) => nameOf(path)));
    expect([...names].toSorted()).toEqual(Object.keys(allowScripts).toSorted());
  });
});
