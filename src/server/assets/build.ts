import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { packageFolder } from '../../package.ts';

/** Builds the page from `src/web`: into a folder beside the built program, or in memory where it runs from its sources. */

/** A file of the page, by its path below `/`. */
export interface Asset {
  readonly path: string;
  readonly body: Buffer;
}

const sources = join(packageFolder, 'src', 'web');

/** @throws where esbuild is not installed, as in a release */
export async function buildPage(): Promise<Asset[]> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: {
      page: join(sources, 'main.tsx'),
      style: join(sources, 'style.css'),
      'sign-in': join(sources, 'sign-in.css'),
    },
    outdir: '/assets',
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'error',
    write: false,
  });
  const files = outputFiles.map(({ path, contents }) => ({
    path: path.replaceAll('\\', '/').replace(/^.*\/assets\//, ''),
    body: Buffer.from(contents),
  }));
  const version = createHash('sha256');
  for (const { body } of files) version.update(body);
  const page = await readFile(join(sources, 'index.html'), 'utf8');
  return [
    ...files.map(({ path, body }) => ({ path: `/assets/${path}`, body })),
    { path: '/assets/icon.svg', body: await readFile(join(sources, 'icon.svg')) },
    // The version in the address lets browsers keep what has not changed.
    {
      path: '/index.html',
      body: Buffer.from(page.replaceAll('VERSION', version.digest('hex').slice(0, 12))),
    },
  ];
}

/** An asset as browsers take it. */
export interface PackedAsset extends Asset {
  readonly brotli: Buffer;
  readonly gzip: Buffer;
}

/** @param quality of Brotli: 11 is the smallest, and takes a tenth of a second for the page */
export async function packAsset({ path, body }: Asset, quality: number): Promise<PackedAsset> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
  const [brotli, zipped] = await Promise.all([
    promisify(brotliCompress)(body, { params }),
    promisify(gzip)(body),
  ]);
  return { path, body, brotli, gzip: zipped };
}

/** Writes the page into a folder that is not there yet, each file beside its packed forms. */
export async function writePage(folder: string): Promise<void> {
  const assets = await buildPage();
  await mkdir(join(folder, 'assets'), { recursive: true });
  for (const asset of assets) {
    const { path, body, brotli, gzip: zipped } = await packAsset(asset, smallest);
    await writeFile(join(folder, path), body);
    await writeFile(join(folder, `${path}.br`), brotli);
    await writeFile(join(folder, `${path}.gz`), zipped);
  }
}

const smallest = 11;
