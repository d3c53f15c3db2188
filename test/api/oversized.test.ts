import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { largest, oversized } from './oversized.ts';
import { clientFor, failureOf, type Handler, question, startServer } from './server.ts';

// A busy machine takes several times as long.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const retry = { attempts: 1, firstDelay: 1, longestDelay: 1 };
const timeout = 50_000;

/** An empty answer of so many bytes, most of them blanks. */
function blank(bytes: number): Buffer {
  const [start, end] = ['{"code":200,"data":[', ']}'];
  return Buffer.concat([
    Buffer.from(start),
    Buffer.alloc(bytes - start.length - end.length, ' '),
    Buffer.from(end),
  ]);
}

describe('an answer of the largest size is read, and one byte more is refused,', () => {
  const compressed =
    (encoding: string, bytes: Buffer): Handler =>
    (response) => {
      response.setHeader('Content-Encoding', encoding).end(bytes);
    };
  const ways: Readonly<Record<string, (bytes: Buffer) => Handler>> = {
    'with its length': (bytes) => (response) => {
      response.setHeader('Content-Length', bytes.length).end(bytes);
    },
    'without its length': (bytes) => (response) => {
      response.write(bytes.subarray(0, 1000));
      response.end(bytes.subarray(1000));
    },
    'as a gzip of a thousandth': (bytes) => compressed('gzip', gzipSync(bytes)),
    'as a gzip within a gzip': (bytes) => compressed('gzip, gzip', gzipSync(gzipSync(bytes))),
    deflated: (bytes) => compressed('deflate', deflateSync(bytes)),
    'as Brotli': (bytes) => compressed('br', brotliCompressSync(bytes)),
  };

  it.each(Object.entries(ways))('%s', async (_, way) => {
    const largestAnswer = 2 ** 20;
    await using fits = await startServer(way(blank(largestAnswer)));
    expect(await clientFor(fits.url, { retry, timeout, largestAnswer }).fetchMetrics(question)).toEqual([]);
    await using exceeds = await startServer(way(blank(largestAnswer + 1)));
    const { failure } = await failureOf(clientFor(exceeds.url, { retry, timeout, largestAnswer }));
    expect(failure).toMatchObject({ kind: 'transient', message: 'the answer is larger than 1048576 bytes' });
  });

  it('which is 32 MiB by default', async () => {
    await using fits = await startServer((response) => void response.end(blank(largest)));
    expect(await clientFor(fits.url, { retry, timeout }).fetchMetrics(question)).toEqual([]);
    await using exceeds = await startServer((response) => void response.end(blank(largest + 1)));
    const { failure } = await failureOf(clientFor(exceeds.url, { retry, timeout }));
    expect(failure).toMatchObject({ kind: 'transient', message: 'the answer is larger than 33554432 bytes' });
  });
});

/**
 * The heap that Node takes by itself where it has 512 MB. What is read outlives its call only as rows and rejects, so
 * the few calls at a time that are usual need little more than one.
 */
const heap = 256;

/** Heap, stack, buffers, and the program, in megabytes; measured: 380. */
const mostMemory = 640;

describe(`in a process with a heap of ${heap} MB, a body of`, () => {
  const bodies = Object.entries(oversized);
  let read: { readonly outcome: string; readonly memory: number }[] = [];

  beforeAll(async () => {
    await using server = await startServer((response, _, { path }) => {
      const [, body] = bodies[Number(path?.split('/')[1])]?.[1] ?? [];
      response.end(body?.());
    });
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const reader = fileURLToPath(new URL('oversized-reader.ts', import.meta.url));
    const flags = [`--max-old-space-size=${heap}`, '--import', loader];
    const child = spawn(process.execPath, [...flags, reader, server.url, String(bodies.length)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await once(child, 'close');
    read = output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  });

  it.each(bodies.map(([name, [outcome]], number) => [name, outcome, number] as const))(
    '%s comes to: %s',
    (_, outcome, number) => {
      expect(read[number]?.outcome).toBe(outcome);
      expect((read[number]?.memory ?? 0) / 1024).toBeLessThan(mostMemory);
    },
  );
});
