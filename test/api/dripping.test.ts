import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ForwardProxy } from '../../harness/proxy.ts';
import { withDeadline } from '../../src/api/deadline.ts';
import { onFileEnd } from '../support/releasers.ts';
import { answers, clientFor, failureOf, startServer } from './server.ts';

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const program = fileURLToPath(new URL('dripping.ts', import.meta.url));

it.each(['directly', 'through a proxy'])(
  'a call %s ends in time though the answer comes byte by byte and garbage is collected',
  async (way) => {
    await using server = await startServer((response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 100);
      response.on('close', () => clearInterval(drip));
    });
    const proxy = await ForwardProxy.start(server.url);
    onFileEnd(() => proxy.close());
    const run = promisify(execFile);
    const ways: Readonly<Record<string, readonly string[]>> = {
      directly: [server.url],
      'through a proxy': ['http://api.example', proxy.url()],
    };
    const options = ['--expose-gc', '--import', loader, program, ...(ways[way] ?? [])];
    const { stdout } = await run(process.execPath, options, { timeout: 60_000 });
    const { message, took } = JSON.parse(stdout);
    expect(message).toBe('no complete answer within 1 s');
    expect(took).toBeLessThan(5000);
    // The way through the proxy may be opened anew once the call is cut off.
    expect(new Set(proxy.targets)).toEqual(new Set(way === 'directly' ? [] : ['api.example:80']));
  },
  90_000,
);

it('work that ignores its signal ends all the same, in time or when it is told to', async () => {
  const forEver = () => new Promise<never>(() => {});
  await expect(withDeadline(20, undefined, forEver)).rejects.toThrow(
    expect.objectContaining({ name: 'Overdue' }),
  );
  const stop = new AbortController();
  const stopped = withDeadline(60_000, stop.signal, forEver);
  stop.abort(new Error('told to'));
  await expect(stopped).rejects.toThrow('told to');
  await expect(withDeadline(60_000, AbortSignal.abort(new Error('before')), forEver)).rejects.toThrow(
    'before',
  );
  await expect(withDeadline(60_000, undefined, async () => 7)).resolves.toBe(7);
});

it('a redirect is not followed: the key goes nowhere else', async () => {
  await using other = await startServer(answers('{"code":200,"data":[]}'));
  await using server = await startServer((response) => {
    response.writeHead(307, { Location: other.url }).end();
  });
  const { failure } = await failureOf(clientFor(server.url));
  expect(failure).toMatchObject({ kind: 'transient', code: 307 });
  expect(other.received).toEqual([]);
});
