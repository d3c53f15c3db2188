import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { rememberProcess } from '../../harness/leftovers.ts';
import { ApiClient } from '../../src/api/client.ts';
import { type Answer, decodeAnswer } from '../../src/api/decode.ts';
import { dialectOf } from '../../src/api/dialects/index.ts';
import { questionOf } from '../../src/api/question.ts';
import { bundledCatalogue, type Granularity, granularities, type Token } from '../../src/catalog/index.ts';
import { systemClock } from '../../src/clock.ts';
import { Packer } from '../../src/planning/packing.ts';
import { planRequests, wantedWindows } from '../../src/planning/plan.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import { sampleCredentials } from '../../src/simulator/index.ts';

/** `broken`: every value that has a range is outside of it. */
export type RecorderKind = 'sound' | 'broken';

export interface Served {
  /** Calls since the last reset. */
  readonly served: number;
  /** When the first and the last of them came; milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Answers in memory. */
  readonly recorded: number;
}

/** The metrics of v1, in which the recorder speaks. */
export const v1Metrics = bundledCatalogue.served(bundledCatalogue.codes, 'v1');

/** An answer as the store takes it. */
export interface DecodedAnswer {
  readonly request: DataRequest;
  readonly answer: Answer;
}

/** Requests for everything of the tokens in so many whole days before today. */
export async function plan(tokens: readonly Token[], days: number): Promise<DataRequest[]> {
  const day = 86_400_000;
  const end = Math.floor(Date.now() / day) * day - day;
  const wanted = wantedWindows({ start: end - days * day, end }, granularities, end + day, 0, '08:00');
  const nothingYet = async (granularity: Granularity, interval: DataRequest['interval']) => [
    { granularity, interval, tokens, metrics: v1Metrics },
  ];
  const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
  const requests: DataRequest[] = [];
  for await (const request of planRequests(wanted, nothingYet, packer)) requests.push(request);
  return requests;
}

export class Recorder {
  readonly #process: ChildProcess;
  readonly #origin: string;
  readonly #forget: () => void;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.#origin = `http://127.0.0.1:${port}`;
    this.#forget = rememberProcess(process.pid);
  }

  static async start(kind: RecorderKind): Promise<Recorder> {
    const file = fileURLToPath(new URL('process.ts', import.meta.url));
    const child = fork(file, [kind], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [message] = (await once(child, 'message')) as [{ port: number }];
    return new Recorder(child, message.port);
  }

  /** As CRYPTORACLE_BASE_URL wants it. */
  get url(): string {
    return `${this.#origin}/openapi`;
  }

  /** Gives recorded answers in the clear, by number: `/plain/0` and so on. */
  get plainUrl(): string {
    return `${this.#origin}/plain`;
  }

  client(): ApiClient {
    return new ApiClient({
      baseUrl: this.url,
      dialect: dialectOf('v1'),
      credentials: sampleCredentials,
      clock: systemClock,
    });
  }

  /** Settings with which the program asks it. */
  get environment(): Readonly<Record<string, string>> {
    const { apiKey, signSecret, dataSecret, dataIv } = sampleCredentials;
    return {
      CRYPTORACLE_BASE_URL: this.url,
      CRYPTORACLE_API_KEY: apiKey,
      CRYPTORACLE_SIGN_SECRET: signSecret,
      CRYPTORACLE_DATA_SECRET: dataSecret,
      CRYPTORACLE_DATA_IV: dataIv,
      METRICS: v1Metrics.join(),
    };
  }

  /** @param orders `delay`: how long each answer takes, in milliseconds; `reset`: forgets what was counted */
  async control(orders: { readonly delay?: number; readonly reset?: boolean } = {}): Promise<Served> {
    const reply = await fetch(`${this.#origin}/control`, { method: 'POST', body: JSON.stringify(orders) });
    return (await reply.json()) as Served;
  }

  /** Asks for everything, so that it is recorded, and gives it decoded. */
  async answers(tokens: readonly Token[], days: number): Promise<DecodedAnswer[]> {
    const client = this.client();
    const decoded: DecodedAnswer[] = [];
    for (const request of await plan(tokens, days)) {
      const payload = await client.fetchMetrics(questionOf(request, bundledCatalogue));
      decoded.push({ request, answer: decodeAnswer(payload, request) });
    }
    return decoded;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
    this.#forget();
  }
}
