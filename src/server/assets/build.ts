import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { BuildOptions, Metafile } from 'esbuild';
import { packageFolder } from '../../package.ts';

/** Builds the page from `src/web`: into a folder beside the built program, or in memory where it runs from its sources. */

/** A file of the page, by its path below `/`. */
export interface Asset {
  readonly path: string;
  readonly body: Buffer;
}

const sources = join(packageFolder, 'src', 'web');

/** The page for browsers, and what draws its first view in the server. */
export interface BuiltPage {
  readonly assets: readonly Asset[];
  /** A module that exports `render`: see `src/web/render.tsx`. */
  readonly renderer: Buffer;
}

const options = {
  outdir: '/assets',
  bundle: true,
  minify: true,
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  loader: { '.svg': 'text' },
  legalComments: 'none',
  logLevel: 'error',
} satisfies BuildOptions;

/** @throws where esbuild is not installed, as in a release */
export async function buildPage(): Promise<BuiltPage> {
  const { build } = await import('esbuild');
  const [{ outputFiles, metafile }, start, renderer] = await Promise.all([
    build({
      ...options,
      entryPoints: {
        page: join(sources, 'main.tsx'),
        style: join(sources, 'style.css'),
        'sign-in': join(sources, 'sign-in.css'),
      },
      // The views that the first one does not need are a file of their own.
      splitting: true,
      metafile: true,
      format: 'esm',
      write: false,
    }),
    // By itself, for it is no module: those run when the page may have been painted.
    build({ ...options, entryPoints: [join(sources, 'start.ts')], format: 'iife', write: false }),
    build({
      ...options,
      entryPoints: [join(sources, 'render.tsx')],
      // The server draws the first view alone.
      external: ['./views/others.ts'],
      platform: 'node',
      format: 'esm',
      write: false,
    }),
  ]);
  const files = [...outputFiles, ...start.outputFiles].map(({ path, contents }) => ({
    path: addressOf(path),
    body: Buffer.from(contents),
  }));
  const version = createHash('sha256');
  for (const { body } of files) version.update(body);
  const page = await readFile(join(sources, 'index.html'), 'utf8');
  const assets = [
    ...files,
    { path: '/assets/icon.svg', body: await readFile(join(sources, 'icon.svg')) },
    {
      path: '/index.html',
      body: Buffer.from(
        page
          .replace('MODULES', modulesOf(metafile).join(' '))
          // The version in the address lets browsers keep what has not changed.
          .replaceAll('VERSION', version.digest('hex').slice(0, 12)),
      ),
    },
  ];
  return { assets, renderer: Buffer.concat(renderer.outputFiles.map(({ contents }) => contents)) };
}

const addressOf = (output: string) => `/assets/${output.replaceAll('\\', '/').replace(/^.*\/assets\//, '')}`;

/** Addresses of the page's script and of what it imports, so that a browser asks for all at a time. */
function modulesOf({ outputs }: Metafile): string[] {
  const script = '/assets/page.js';
  const imported = Object.entries(outputs)
    .filter(([output]) => addressOf(output) === script)
    .flatMap(([, { imports }]) => imports)
    .filter(({ kind }) => kind === 'import-statement');
  return [...imported.map(({ path }) => addressOf(path)), `${script}?v=VERSION`];
}

/** An asset as browsers take it. */
export interface PackedAsset extends Asset {
  readonly packed: Readonly<Record<Packing, Buffer>>;
}

/** Forms in which a body may go over the wire, by their names in HTTP. */
export type Packing = 'br' | 'gzip';

/** @param quality of Brotli: 11 is the smallest, and takes a tenth of a second for the page */
export function pack(body: Buffer, packing: Packing, quality: number): Promise<Buffer> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
  return packing === 'br' ? promisify(brotliCompress)(body, { params }) : promisify(gzip)(body);
}

export async function packAsset(asset: Asset, quality: number): Promise<PackedAsset> {
  const { body } = asset;
  const [br, zipped] = await Promise.all([pack(body, 'br', quality), pack(body, 'gzip', quality)]);
  return { ...asset, packed: { br, gzip: zipped } };
}

/** Writes the page into a folder that is not there yet, each file beside its packed forms. */
export async function writePage(folder: string): Promise<void> {
  const { assets, renderer } = await buildPage();
  await mkdir(join(folder, 'assets'), { recursive: true });
  await writeFile(join(folder, rendererName), renderer);
  for (const asset of assets) {
    const { path, body, packed } = await packAsset(asset, smallest);
    await writeFile(join(folder, path), body);
    await writeFile(join(folder, `${path}.br`), packed.br);
    await writeFile(join(folder, `${path}.gz`), packed.gzip);
  }
}

const smallest = 11;

/** Of {@link BuiltPage.renderer} in the folder. */
export const rendererName = 'render.js';
