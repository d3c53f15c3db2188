import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { decrypt, encrypt } from '../../src/api/dialects/cipher.ts';
import { bundledCatalogue } from '../../src/catalog/index.ts';
import { sampleCredentials, startSimulator } from '../../src/simulator/index.ts';

/**
 * A stand-in API in a process of its own. What it is asked for the first time the simulator answers; whatever is asked again
 * comes from memory, so that making answers costs nothing while others are measured. v1's questions hold no time, so the
 * same question is the same text.
 */

interface Recorded {
  /** As v1 sends it, sealed. */
  readonly sealed: string;
  /** The payload in the clear, for those who cannot open it. */
  readonly plain: string;
}

const isBroken = process.argv[2] === 'broken';
const simulator = await startSimulator({
  market: { lateShare: 0, changedShare: 0, completeTokens: 200 },
  logSize: 1,
});
const answers = new Map<string, Recorded>();
/** Those about values. */
const inOrder: Recorded[] = [];
const isAboutValues = (path: string) => path.endsWith('/endpoint');
let delay = 0;
let served = 0;
let firstAt = 0;
let lastAt = 0;

/** A value outside of the metric's range, which can be stored and is doubted. */
const broken = new Map(
  bundledCatalogue.metrics.map(({ endpoint, minimum, maximum }) => [
    endpoint,
    minimum !== null ? String(minimum - 1) : maximum !== null ? String(maximum + 1) : undefined,
  ]),
);

interface Entry {
  endPoints?: { data: { endpoint: string; value: string }[] }[];
}

function breakValues(payload: string): string {
  const entries = JSON.parse(payload) as Entry[] | null;
  for (const entry of entries ?? []) {
    for (const { data } of entry.endPoints ?? []) {
      for (const item of data) item.value = broken.get(item.endpoint) ?? item.value;
    }
  }
  return JSON.stringify(entries);
}

async function record(path: string, body: string): Promise<Recorded> {
  const reply = await fetch(`http://127.0.0.1:${simulator.port}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
  });
  const sealed = await reply.text();
  const envelope = JSON.parse(sealed) as { data?: unknown };
  if (typeof envelope.data !== 'string') return { sealed, plain: sealed };
  const payload = decrypt(envelope.data, sampleCredentials, 'base64');
  if (!isBroken) return { sealed, plain: payload };
  const plain = breakValues(payload);
  return {
    sealed: JSON.stringify({ ...envelope, data: encrypt(plain, sampleCredentials, 'base64') }),
    plain,
  };
}

function count(path: string): void {
  if (!isAboutValues(path)) return;
  const now = Date.now();
  firstAt ||= now;
  lastAt = now;
  served++;
}

async function answer(path: string, body: string): Promise<string> {
  count(path);
  if (delay > 0) await sleep(delay);
  const key = `${path} ${body}`;
  let recorded = answers.get(key);
  if (recorded === undefined) {
    recorded = await record(path, body);
    answers.set(key, recorded);
    if (isAboutValues(path)) inOrder.push(recorded);
  }
  return recorded.sealed;
}

function control({ delay: milliseconds, reset }: { delay?: number; reset?: boolean }) {
  delay = milliseconds ?? delay;
  if (reset === true) {
    served = 0;
    firstAt = 0;
  }
  return { served, firstAt, lastAt, recorded: inOrder.length };
}

async function respond(request: IncomingMessage): Promise<string> {
  const path = request.url ?? '';
  const body = await text(request);
  if (path === '/control') return JSON.stringify(control(JSON.parse(body)));
  const plain = /^\/plain\/(\d+)$/.exec(path);
  return plain === null ? answer(path, body) : (inOrder[Number(plain[1])]?.plain ?? '[]');
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  respond(request).then(
    (sent) => {
      response.writeHead(200, {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(sent),
      });
      response.end(sent);
    },
    () => response.destroy(),
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.once('disconnect', () => process.exit());
