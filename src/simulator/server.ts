import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Credentials, WireProfile } from '../api/dialects/wire.ts';
import type { Clock } from '../clock.ts';
import { drawMishap, type Faults } from './faults.ts';
import type { Market } from './market.ts';
import { openRequest } from './protocol.ts';
import { type IncomingCall, type LoggedRequest, Recorder } from './record.ts';
import { type JsonObject, Refusal } from './refusal.ts';
import { page, type Reply, respond, throttled } from './responder.ts';
import { type Behaviour, type Call, calls } from './settings.ts';

/** Largest request that is read, in bytes: some hundred times more than a real one. */
const largestRequest = 1024 * 1024;

/** Connections stay open longer than clients wait between two calls. */
const keepAliveMilliseconds = 65_000;

export interface ServerOptions {
  readonly market: Market;
  readonly clock: Clock;
  readonly credentials: Credentials;
  readonly wire: WireProfile;
  readonly behaviour: Behaviour;
  readonly faults: Faults;
  /** For the faults. */
  readonly seed: number;
  /** Path between host and call, with the version, e.g. `/openapi/v1`. */
  readonly path: string;
  /** How many of the newest requests are remembered. */
  readonly logSize: number;
  readonly onRequest: ((request: IncomingCall) => void | Promise<void>) | undefined;
  readonly rateClock: Clock;
}

/** The HTTP side: routes, delays, cuts connections, counts. */
export class SimulatorServer {
  readonly recorder: Recorder;
  behaviour: Behaviour;
  faults: Faults;
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #closing = new AbortController();
  #arrivals: number[] = [];

  constructor(options: ServerOptions) {
    this.#options = options;
    this.behaviour = options.behaviour;
    this.faults = options.faults;
    this.recorder = new Recorder(options.logSize);
    this.#server = createServer({ keepAliveTimeout: keepAliveMilliseconds }, (request, response) => {
      // Whoever hangs up while being answered is no trouble of the simulator's.
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /**
   * @returns the port that it listens on
   * @throws the error of node's `listen`, e.g. with code EADDRINUSE
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Ends everything at once, answers under way too. */
  close(): Promise<void> {
    this.#closing.abort();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const call = this.#route(request);
    if (call === undefined) return send(response, page(404));
    if (request.method !== 'POST') return send(response, page(405));
    if (body === undefined) return send(response, page(413));
    const isJson = request.headers['content-type']?.startsWith('application/json') === true;
    const incoming = this.#incoming(call, isJson ? body : '');
    await this.#options.onRequest?.(incoming.request);
    const { reply, entry } = this.#answer(incoming);
    if (entry.delay > 0) await pause(entry.delay, undefined, { signal: this.#closing.signal });
    this.recorder.add(entry);
    send(response, reply);
  }

  #route(request: IncomingMessage): Call | undefined {
    const path = request.url?.split('?', 1)[0];
    return calls.find((call) => path === `${this.#options.path}/${call}`);
  }

  #incoming(call: Call, body: string) {
    const { clock, credentials, wire } = this.#options;
    const at = clock.now();
    const opened = open(body, credentials, wire, at);
    const business = opened instanceof Refusal ? undefined : opened;
    const request: IncomingCall = { number: this.recorder.arrived(), at, call, business };
    return { request, opened };
  }

  #answer(incoming: { readonly request: IncomingCall; readonly opened: JsonObject | Refusal }) {
    const { request, opened } = incoming;
    const { market, credentials, wire, clock, seed } = this.#options;
    const { behaviour, faults } = this;
    const mishap = drawMishap(faults, seed, request.number);
    const isTooFast = this.#isTooFast();
    const world = { market, credentials, wire, behaviour, faults, now: clock.now() };
    const reply = isTooFast ? throttled(1) : respond(request.call, opened, world, mishap);
    const entry: LoggedRequest = {
      ...request,
      status: reply.cut === 'before' ? 0 : reply.status,
      code: reply.code,
      records: reply.records,
      fault: isTooFast ? 'rateLimit' : mishap.fault,
      delay: mishap.delay,
    };
    return { reply, entry };
  }

  /** Whether `rateLimit` requests were let through in the last second already. */
  #isTooFast(): boolean {
    const { rateLimit } = this.behaviour;
    if (rateLimit === Number.POSITIVE_INFINITY) return false;
    const now = this.#options.rateClock.now();
    this.#arrivals = this.#arrivals.filter((arrival) => now - arrival < 1_000);
    if (this.#arrivals.length >= rateLimit) return true;
    this.#arrivals.push(now);
    return false;
  }
}

function open(body: string, credentials: Credentials, wire: WireProfile, now: number): JsonObject | Refusal {
  try {
    return openRequest(body, credentials, wire, now);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** @returns the body as text, or `undefined` where it is too large */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= largestRequest) chunks.push(chunk);
  }
  return size > largestRequest ? undefined : Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply.cut === 'before') {
    response.destroy();
    return;
  }
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, { ...reply.headers, 'Content-Length': body.length });
  if (reply.cut === 'halfway') {
    response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
    return;
  }
  response.end(body);
}
