import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { First } from '../../../src/server/api/types.ts';
import { pageAssets } from '../../../src/server/assets/plugin.ts';

describe('the files of the page', () => {
  const app = fastify();
  let first: object = {};
  beforeAll(() => app.register(pageAssets, { first: () => first as First }));
  afterAll(() => app.close());

  const get = async (url: string, encoding = '') => {
    const answer = await app.inject({ url, headers: { 'accept-encoding': encoding } });
    return { ...answer, bytes: answer.rawPayload };
  };
  /** The first script is for the page's start, the second holds what it brings along. */
  const broughtAlong = (page: string) =>
    /<script type="application\/json" id="first">(.*?)<\/script>/s.exec(page);

  it('bring along what is known, whatever is in it', async () => {
    const reason = '</script><script>alert(1)</script> <!-- $& $1 {}';
    first = { session: { access: 'read' }, status: { verdict: { sentence: reason } } };
    const { payload } = await get('/');
    const [, json = ''] = broughtAlong(payload) ?? [];
    expect(JSON.parse(json)).toEqual(first);
    expect(payload.match(/<script/g)).toHaveLength(2);
    expect(payload).not.toContain('alert(1)</script>');
    first = { session: { access: 'write' } };
    const [, next = ''] = broughtAlong((await get('/')).payload) ?? [];
    expect(JSON.parse(next)).toEqual(first);
  });

  it('are the same packed and as they are', async () => {
    const { payload: page } = await get('/');
    const [script = ''] = /\/assets\/page\.js\?v=\w+/.exec(page) ?? [];
    const [preloaded = ''] = /\/assets\/chunk-\w+\.js/.exec(page) ?? [];
    expect((await get(script)).payload).toContain(preloaded.slice('/assets'.length));
    for (const url of ['/', script, preloaded, '/assets/style.css', '/assets/icon.svg']) {
      const [plain, brotli, zipped] = await Promise.all([get(url), get(url, 'gzip, br'), get(url, 'gzip')]);
      expect([plain.statusCode, plain.headers['content-encoding']]).toEqual([200, undefined]);
      expect(brotli.headers['content-encoding']).toBe('br');
      expect(brotliDecompressSync(brotli.bytes).equals(plain.bytes)).toBe(true);
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(zipped.bytes).equals(plain.bytes)).toBe(true);
    }
    expect((await get('/assets/nothing.js')).statusCode).toBe(404);
  });
});
