import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { rooms } from './rooms.ts';

/** Checks the table of who may import whom, which stands in `rooms.ts`, and that no files import one another in a circle. */

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isTypeOnly: boolean;
}

const root = fileURLToPath(new URL('..', import.meta.url));

function sources(): string[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .filter((name) => /\.tsx?$/.test(name));
}

/** Relative imports and re-exports of a file, also those by `import()`. */
function importsOf(from: string): Import[] {
  const { module, errors } = parseSync(from, readFileSync(join(root, from), 'utf8'));
  if (errors.length > 0) throw new SyntaxError(`${from}: ${errors[0]?.message}`);
  const text = readFileSync(join(root, from), 'utf8');
  const found = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      to: moduleRequest.value,
      isTypeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
    })),
    ...module.staticExports
      .flatMap(({ entries }) => entries)
      .flatMap(({ moduleRequest, isType }) =>
        moduleRequest === null ? [] : { to: moduleRequest.value, isTypeOnly: isType },
      ),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
      to: text.slice(start + 1, end - 1),
      isTypeOnly: false,
    })),
  ];
  return found
    .filter(({ to }) => to.startsWith('.'))
    .map(({ to, isTypeOnly }) => ({ from, to: join(dirname(from), to), isTypeOnly }));
}

/** The room that a file belongs to: the longest that its path begins with. A file beside the rooms is in none. */
function roomOf(file: string): string | undefined {
  return Object.keys(rooms)
    .filter((room) => file.startsWith(`src/${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function breaksTable({ from, to, isTypeOnly }: Import): boolean {
  const [importer, imported] = [roomOf(from), roomOf(to)];
  if (importer === undefined || imported === undefined || importer === imported) return false;
  const { imports, types = [] } = rooms[importer] ?? { imports: [] };
  if (imports === 'all') return false;
  const isNamed = (names: readonly string[]) =>
    names.some((name) => imported === name || imported.startsWith(`${name}/`));
  return !isNamed(imports) && !(isTypeOnly && isNamed(types));
}

/** Every circle that a walk along the imports comes upon, each as its files in order. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const position = way.indexOf(file);
    if (position >= 0) found.push([...way.slice(position), file]);
    if (position >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

const files = sources();
const imports = files.flatMap(importsOf);
const broken = imports.filter(breaksTable).map(({ from, to }) => `${from} imports ${to}`);
const graph = new Map(
  files.map((file) => [
    file,
    imports.filter((each) => each.from === file && !each.isTypeOnly).map(({ to }) => to),
  ]),
);
const complaints = [...new Set(broken), ...circles(graph).map((circle) => `circle: ${circle.join(' → ')}`)];
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.exitCode = complaints.length === 0 ? 0 : 1;
