import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rooms } from '../../scripts/rooms.ts';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8');

/** The last column of the table of folders. */
function describeImports({ imports, types = [] }: (typeof rooms)[string]): string {
  if (imports === 'all') return 'all';
  const named = imports.length === 0 ? 'nothing' : imports.join(', ');
  return types.length === 0 ? named : `${named}; types of ${types.join(', ')}`;
}

describe('ARCHITECTURE.md', () => {
  it('says of every folder which others it may import, as the lint checks it', () => {
    const rows = [...text.matchAll(/^\| `([a-z/-]+)\/` \| [^|]+ \| ([^|]+) \|$/gm)];
    const told = Object.fromEntries(rows.map(([, folder, imports]) => [folder, imports]));
    const checked = Object.entries(rooms).map(([folder, room]) => [folder, describeImports(room)]);
    expect(told).toEqual(Object.fromEntries(checked));
  });

  it('names files that are there', () => {
    const named = [...text.matchAll(/`((?:[a-z]+\/)+[a-z-]+\.(?:ts|json|yml))`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.length).toBeGreaterThan(30);
    const missing = named.filter(
      (path) => !existsSync(new URL(path, root)) && !existsSync(new URL(`src/${path}`, root)),
    );
    expect(missing).toEqual([]);
  });
});
