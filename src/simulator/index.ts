import { dialectOf, type SealedCredentials, type WireProfile } from '../api/dialects/index.ts';
import type { ApiVersion } from '../catalog/index.ts';
import { type Clock, systemClock } from '../clock.ts';
import { baseUrl } from './address.ts';
import { type Behaviour, behaviourOf } from './behaviour.ts';
import type { Faults } from './faults.ts';
import { Market, type MarketOptions } from './market.ts';
import type { Counters, IncomingCall, LoggedRequest } from './record.ts';
import { SimulatorServer } from './server.ts';
import { type Call, sampleCredentials } from './settings.ts';

export { type Behaviour, behaviourOf, behaviourSchema, defaultBehaviour } from './behaviour.ts';
export { describeBehaviour, parseBehaviour } from './behaviour-text.ts';
export { followControlFile, type Orders, parseOrders } from './control.ts';
export { type Coverage, coverages } from './coverage.ts';
export { describeFaults, type Faults, faultKinds, parseFaults } from './faults.ts';
export { type DayStart, windowFrom } from './grid.ts';

export { firstWindow, Market, type MarketOptions } from './market.ts';
export type { Counters, IncomingCall, LoggedRequest } from './record.ts';
export { type Call, sampleCredentials } from './settings.ts';

export interface SimulatorOptions {
  /** What "now" is for publication and timestamps; the system's clock where none is given. */
  readonly clock?: Clock;
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** `v1` by default. */
  readonly apiVersion?: ApiVersion;
  /** Seed of the market, where none is given, and of the faults. */
  readonly seed?: number;
  readonly market?: Market | Omit<MarketOptions, 'seed'>;
  /** The only credentials accepted; the vendor's public samples by default. */
  readonly credentials?: SealedCredentials;
  readonly wire?: WireProfile;
  readonly behaviour?: Partial<Behaviour>;
  readonly faults?: Faults;
  /** How many of the newest requests are remembered; 2,000 by default. */
  readonly logSize?: number;
  /** Told of every request before it is answered; the answer waits for it, and for what it changes. */
  readonly onRequest?: (request: IncomingCall) => void | Promise<void>;
  /** Paces `rateLimit`; the system's clock by default, for `clock` may stand still in tests. */
  readonly rateClock?: Clock;
}

/** A running stand-in for the API. */
export interface Simulator {
  /** The base URL, ending in `/openapi`, as the setting `CRYPTORACLE_BASE_URL` wants it, for others to use. */
  readonly url: string;
  readonly apiVersion: ApiVersion;
  readonly port: number;
  readonly market: Market;
  readonly credentials: SealedCredentials;
  /** What has happened so far; a copy. */
  readonly counters: Counters;
  /** The newest requests, oldest first. */
  readonly log: readonly LoggedRequest[];
  clearLog(): void;
  /** Replaces all faults; `{}` ends them. */
  setFaults(faults: Faults): void;
  /** Changes how it answers from the next request on. */
  configure(changes: Partial<Behaviour>): void;
  /** Has it behave as its version does, but for this. */
  behave(changes: Partial<Behaviour>): void;
  /** Answers requests for this metric or tag code with code 205. */
  refuseMetric(code: string): void;
  allowMetric(code: string): void;
  /** Answers this call with code 204. */
  refuseEndpoint(call: Call): void;
  allowEndpoint(call: Call): void;
  /** Stops at once, open connections too; may be called twice. */
  close(): Promise<void>;
}

/**
 * Starts a stand-in for the Cryptoracle API.
 *
 * @throws the error of node's `listen`, e.g. with code EADDRINUSE
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { seed = 1, host = '127.0.0.1', credentials = sampleCredentials, apiVersion = 'v1' } = options;
  const market = marketOf(options, apiVersion, seed);
  const server = new SimulatorServer({
    market,
    clock: options.clock ?? systemClock,
    credentials,
    dialect: dialectOf(apiVersion, options.wire),
    behaviour: behaviourOf(apiVersion, options.behaviour),
    faults: options.faults ?? {},
    seed,
    path: `/openapi/${apiVersion}`,
    logSize: options.logSize ?? 2_000,
    onRequest: options.onRequest,
    rateClock: options.rateClock ?? systemClock,
  });
  const port = await server.listen(host, options.port ?? 0);
  return new RunningSimulator(server, { apiVersion, market, credentials, port, url: baseUrl(host, port) });
}

/** Which tokens have which granularities is written on the pages of the later versions only. */
function marketOf({ market }: SimulatorOptions, version: ApiVersion, seed: number): Market {
  if (market instanceof Market) return market;
  return new Market({ coverage: version === 'v1' ? 'wide' : 'tiers', ...market, seed });
}

type Identity = Pick<Simulator, 'url' | 'port' | 'apiVersion' | 'market' | 'credentials'>;

class RunningSimulator implements Simulator {
  readonly url: string;
  readonly port: number;
  readonly apiVersion: ApiVersion;
  readonly market: Market;
  readonly credentials: SealedCredentials;
  readonly #server: SimulatorServer;

  constructor(server: SimulatorServer, identity: Identity) {
    this.#server = server;
    this.url = identity.url;
    this.port = identity.port;
    this.apiVersion = identity.apiVersion;
    this.market = identity.market;
    this.credentials = identity.credentials;
  }

  get counters(): Counters {
    return this.#server.recorder.counters;
  }

  get log(): readonly LoggedRequest[] {
    return this.#server.recorder.log;
  }

  clearLog(): void {
    this.#server.recorder.clearLog();
  }

  setFaults(faults: Faults): void {
    this.#server.faults = faults;
  }

  configure(changes: Partial<Behaviour>): void {
    this.#server.behaviour = { ...this.#server.behaviour, ...changes };
  }

  behave(changes: Partial<Behaviour>): void {
    this.#server.behaviour = behaviourOf(this.apiVersion, changes);
  }

  refuseMetric(code: string): void {
    this.configure({ refusedMetrics: new Set([...this.#server.behaviour.refusedMetrics, code]) });
  }

  allowMetric(code: string): void {
    const refused = [...this.#server.behaviour.refusedMetrics].filter((each) => each !== code);
    this.configure({ refusedMetrics: new Set(refused) });
  }

  refuseEndpoint(call: Call): void {
    this.configure({ refusedEndpoints: new Set([...this.#server.behaviour.refusedEndpoints, call]) });
  }

  allowEndpoint(call: Call): void {
    const refused = [...this.#server.behaviour.refusedEndpoints].filter((each) => each !== call);
    this.configure({ refusedEndpoints: new Set(refused) });
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
