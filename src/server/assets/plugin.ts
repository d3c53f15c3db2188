import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { type Asset, buildPage } from './build.ts';

/** Serves the page and what belongs to it. */

interface PackedAsset extends Asset {
  readonly type: string;
  readonly brotli: Buffer;
  readonly gzip: Buffer;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Where the build leaves the page: beside the program. There is none beside the sources. */
const builtFolder = join(dirname(fileURLToPath(import.meta.url)), 'web');

let loading: Promise<ReadonlyMap<string, PackedAsset>> | undefined;

/** The page, built or read once for the whole process; failures are not remembered. */
function loadPage(): Promise<ReadonlyMap<string, PackedAsset>> {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<ReadonlyMap<string, PackedAsset>> {
  const isBuilt = existsSync(join(builtFolder, 'index.html'));
  const assets = isBuilt ? await readBuilt() : await buildPage();
  const packed = await Promise.all(assets.map(pack));
  return new Map(packed.map((asset) => [asset.path, asset]));
}

async function readBuilt(): Promise<Asset[]> {
  const names = await readdir(join(builtFolder, 'assets'));
  const paths = ['/index.html', ...names.map((name) => `/assets/${name}`)];
  return Promise.all(paths.map(async (path) => ({ path, body: await readFile(join(builtFolder, path)) })));
}

async function pack({ path, body }: Asset): Promise<PackedAsset> {
  const type = types[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  const [brotli, zipped] = await Promise.all([
    promisify(brotliCompress)(body, { params }),
    promisify(gzip)(body),
  ]);
  return { path, body, type, brotli, gzip: zipped };
}

export const pageAssets: FastifyPluginAsync = async (app) => {
  // So that the first visitor need not wait; a visitor is told of a failure.
  if (existsSync(builtFolder)) app.addHook('onListen', async () => void loadPage().catch(() => {}));

  app.get('/', async (request, reply) => send(request, reply, '/index.html'));
  app.get('/assets/:name', { config: { isOpen: true } }, async (request, reply) => {
    // Their address holds the version.
    reply.header('cache-control', 'public, max-age=31536000, immutable');
    return send(request, reply, `/assets/${(request.params as { name: string }).name}`);
  });
};

async function send(request: FastifyRequest, reply: FastifyReply, path: string): Promise<FastifyReply> {
  const asset = (await loadPage()).get(path);
  if (asset === undefined) {
    return reply.header('cache-control', 'no-store').code(404).send({ error: 'there is no such page' });
  }
  const accepted = String(request.headers['accept-encoding'] ?? '');
  reply.type(asset.type).header('vary', 'accept-encoding');
  if (/\bbr\b/.test(accepted)) return reply.header('content-encoding', 'br').send(asset.brotli);
  if (/\bgzip\b/.test(accepted)) return reply.header('content-encoding', 'gzip').send(asset.gzip);
  return reply.send(asset.body);
}
