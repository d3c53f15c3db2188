import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { First } from '../api/types.ts';
import { buildPage, type PackedAsset, type Packing, pack, packAsset, rendererName } from './build.ts';

/** Serves the page and what belongs to it. */

export interface PageOptions {
  /** What the page brings along for a visitor, so that it shows something before it has asked. */
  readonly first: (request: FastifyRequest) => First | Promise<First>;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Where the build leaves the page: beside the program. There is none beside the sources. */
const builtFolder = join(dirname(fileURLToPath(import.meta.url)), 'web');

/** Brotli's quality for what is packed while somebody waits. */
const quick = 4;

interface Page {
  readonly assets: ReadonlyMap<string, PackedAsset>;
  /** Draws the first view. @returns HTML */
  readonly render: (first: First) => string;
}

let loading: Promise<Page> | undefined;

/** The page, built or read once for the whole process; failures are not remembered. */
function loadPage(): Promise<Page> {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<Page> {
  const isBuilt = existsSync(join(builtFolder, 'index.html'));
  const { assets, renderer } = isBuilt ? await readBuilt() : await buildNow();
  // The page has its own build, and the program's does not know the file.
  const { render }: Pick<Page, 'render'> = await import(
    `data:text/javascript;base64,${renderer.toString('base64')}`
  );
  return { assets: new Map(assets.map((asset) => [asset.path, asset])), render };
}

async function buildNow() {
  const { assets, renderer } = await buildPage();
  return { assets: await Promise.all(assets.map((asset) => packAsset(asset, quick))), renderer };
}

async function readBuilt() {
  const names = (await readdir(join(builtFolder, 'assets'))).filter((name) => !/\.(br|gz)$/.test(name));
  const paths = ['/index.html', ...names.map((name) => `/assets/${name}`)];
  const read = (path: string) => readFile(join(builtFolder, path));
  const assets = await Promise.all(
    paths.map(async (path): Promise<PackedAsset> => {
      const [body, br, gzip] = await Promise.all([read(path), read(`${path}.br`), read(`${path}.gz`)]);
      return { path, body, packed: { br, gzip } };
    }),
  );
  return { assets, renderer: await read(rendererName) };
}

export const pageAssets: FastifyPluginAsync<PageOptions> = async (app, { first }) => {
  // So that the first visitor need not wait; a visitor is told of a failure.
  if (existsSync(builtFolder)) app.addHook('onListen', async () => void loadPage().catch(() => {}));

  app.get('/', async (request, reply) => {
    const { assets, render } = await loadPage();
    const index = assets.get('/index.html');
    if (index === undefined) return notFound(reply);
    const known = await first(request);
    const body = Buffer.from(withFirst(index.body.toString(), known, render(known)));
    const packing = acceptedBy(request);
    dress(reply, index.path, packing);
    return packing === undefined ? body : pack(body, packing, quick);
  });
  app.get('/assets/:name', { config: { isOpen: true } }, async (request, reply) => {
    const asset = (await loadPage()).assets.get(`/assets/${(request.params as { name: string }).name}`);
    if (asset === undefined) return notFound(reply);
    // Their address holds the version.
    reply.header('cache-control', 'public, max-age=31536000, immutable');
    const packing = acceptedBy(request);
    dress(reply, asset.path, packing);
    return packing === undefined ? asset.body : asset.packed[packing];
  });
};

/** The page with what it brings along, drawn and as data that no browser runs. No text of these can end the element. */
function withFirst(page: string, first: First, view: string): string {
  const json = JSON.stringify(first).replaceAll('<', '\\u003c');
  // Functions, for a replacement in words would take `$&` for an order. The data first: the view holds foreign text.
  return page.replace('>{}<', () => `>${json}<`).replace('<!-- VIEW -->', () => view);
}

const notFound = (reply: FastifyReply) => reply.code(404).send({ error: 'there is no such page' });

/** The smallest form that the browser takes; `undefined` for none. */
function acceptedBy({ headers }: FastifyRequest): Packing | undefined {
  const accepted = String(headers['accept-encoding'] ?? '');
  return (['br', 'gzip'] as const).find((packing) => new RegExp(`\\b${packing}\\b`).test(accepted));
}

function dress(reply: FastifyReply, path: string, packing: Packing | undefined): void {
  const type = types[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  reply.type(type).header('vary', 'accept-encoding');
  if (packing !== undefined) reply.header('content-encoding', packing);
}
