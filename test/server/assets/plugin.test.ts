import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { First } from '../../../src/server/api/types.ts';
import { pageAssets } from '../../../src/server/assets/plugin.ts';
import { knownFirst } from '../../web/known-first.ts';

describe('the files of the page', () => {
  const app = fastify();
  const { verdict } = knownFirst.status;
  let first: First = knownFirst;
  beforeAll(() => app.register(pageAssets, { first: () => first }));
  afterAll(() => app.close());

  const get = async (url: string, encoding = '') => {
    const answer = await app.inject({ url, headers: { 'accept-encoding': encoding } });
    return { ...answer, bytes: answer.rawPayload };
  };
  /** The first script is for the page's start, the second holds what it brings along. */
  const broughtAlong = (page: string) =>
    /<script type="application\/json" id="first">(.*?)<\/script>/s.exec(page);

  it('bring along what is known, whatever is in it', async () => {
    const sentence = '</script><script>alert(1)</script> <!-- VIEW --> $& $1 >{}<';
    first = { ...knownFirst, status: { ...knownFirst.status, verdict: { ...verdict, sentence } } };
    const { payload } = await get('/');
    const [, json = ''] = broughtAlong(payload) ?? [];
    expect(JSON.parse(json)).toEqual(first);
    expect(payload.match(/<script/g)).toHaveLength(2);
    expect(payload).not.toContain('alert(1)</script>');
    expect(payload).toContain(
      '<p class="sentence">&lt;/script>&lt;script>alert(1)&lt;/script> &lt;!-- VIEW --> $&amp; $1 >{}&lt;</p>',
    );
    first = { session: { access: 'write', needsToken: true, canWrite: true } };
    const [, next = ''] = broughtAlong((await get('/')).payload) ?? [];
    expect(JSON.parse(next)).toEqual(first);
  });

  it('show how things are without a script, each visitor what is theirs', async () => {
    first = knownFirst;
    const { payload } = await get('/');
    expect(payload).toContain(`<p class="sentence">${verdict.sentence}</p>`);
    const cards = [...payload.matchAll(/<section class="card" aria-label="Windows of (\w+)">/g)];
    expect(cards.map(([, granularity]) => granularity)).toEqual(['15m', '1h', '4h', '1d']);
    expect(payload).not.toMatch(/Sign out|Sign in to write/);
    first = { ...knownFirst, session: { access: 'read', needsToken: true, canWrite: true } };
    expect((await get('/')).payload).toMatch(/Sign in to write.*Sign out/s);
    first = { session: knownFirst.session };
    const { payload: unknown } = await get('/');
    expect(unknown).toContain('Asking how things are');
    expect(unknown).not.toContain(verdict.sentence);
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
