import type { Logger } from 'pino';
import { beijingDay } from '../beijing.ts';
import {
  type DayStart,
  type Granularity,
  type MetricCode,
  type Token,
  windowLength,
} from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import { auditsDue, drawWindow, type Random, shuffled } from '../planning/audit.ts';
import { subtract } from '../planning/gaps.ts';
import { type Interval, isEmpty } from '../planning/interval.ts';
import { type Lane, laneOfGap, liveWindows } from '../planning/lanes.ts';
import type { Gap, Packer } from '../planning/packing.ts';
import { type GapReader, planRequests, stretchFor, wantedWindows } from '../planning/plan.ts';
import type { DataRequest } from '../planning/request.ts';
import { newestDay, tagRequests } from '../planning/tags.ts';
import { isWindowStart, recheckedFor } from '../planning/windows.ts';
import { countAuditCalls } from '../store/answers/requests.ts';
import type { Database } from '../store/connection/database.ts';
import { forgetUndue, readEmptyCells, readGaps } from '../store/ledger/coverage.ts';
import { tryToNote } from '../store/ledger/events.ts';
import { readDayStart } from '../store/ledger/facts.ts';
import { readHistoryPause } from '../store/ledger/history-pause.ts';
import { probeReader } from '../store/ledger/probes.ts';
import { followRecords } from '../store/ledger/record-rules.ts';
import { readScope } from '../store/ledger/scope.ts';
import { believeLacking } from '../store/ledger/suspects.ts';
import type { RateLimiter } from '../store/limits/rate-limiter.ts';
import type { JobQueue } from './backend.ts';
import { fetchJobId, fetchJobSchema, isJobOf, priorityOf, requestOf, toFetchJob } from './jobs.ts';

export interface PlannerOptions {
  readonly database: Database;
  readonly liveQueue: JobQueue;
  readonly fetchQueue: JobQueue;
  readonly rateLimiter: Pick<RateLimiter, 'canSend'>;
  readonly packer: Packer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: Pick<
    Settings,
    | 'tokens'
    | 'metrics'
    | 'tags'
    | 'historyStart'
    | 'settleDelay'
    | 'lookbackWindows'
    | 'keep'
    | 'recordLimit'
    | 'recordUnit'
    | 'given'
    | 'wire'
  >;
}

export interface PlanResult {
  /** Jobs that were added. */
  readonly added: number;
  /** Whether there is more to fetch than the queue may hold. */
  readonly hasMore: boolean;
}

/** Most jobs of a granularity that wait in the queue; the rest stays in the ledger, where it is safer. */
const mostWaiting = 300;

const day = 86_400_000;

interface PlannedRequest {
  readonly request: DataRequest;
  readonly lane: Lane;
}

/** Those about days that start at another hour, as they were thought to when they were planned, will not be asked. */
function onGridOf(
  granularity: Granularity,
  dayStart: DayStart,
  requests: readonly DataRequest[],
): readonly DataRequest[] {
  return requests.filter(({ interval }) => isWindowStart(granularity, interval.start, dayStart));
}

/** Works out what is missing and queues requests for it. Asks for nothing that is on its way already. */
export class Planner {
  readonly #options: PlannerOptions;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /**
   * Queues what the newest windows of a granularity lack, which is soon done; the rest is {@link planOlder}'s.
   * @param lookback whether windows of the look-back are to be asked for once more
   */
  async planNewest(granularity: Granularity, lookback: boolean): Promise<PlanResult> {
    const { database, settings, packer, log } = this.#options;
    const plan = await this.#prepare(granularity);
    if (plan === undefined) return { added: 0, hasMore: false };
    const { scope, tokens, wanted, liveFrom, read } = plan;
    if ((await forgetUndue(database, granularity, wanted.end)) > 0) {
      log.warn({ granularity }, 'windows were asked for before they were due: they are asked for again');
      await tryToNote(database, log, {
        ...{ kind: 'asked too early', at: this.#options.clock.now(), granularity, joinsWithin: day },
        message: `windows of ${granularity} were asked for before they were due, by a clock that ran ahead: they are asked for again`,
      });
    }
    // The newest windows are planned by themselves: packed with older gaps they would have to wait for them.
    const newest = { start: liveFrom, end: wanted.end };
    const liveTokens = [...tokens, ...scope.tokensToReprobe(granularity, wanted.end)];
    // No other queue has jobs about them.
    const underWay = plan.onGrid(await this.#unfinished(granularity, [this.#options.liveQueue]));
    const missing = await read(newest, underWay, liveTokens);
    const live = missing.flatMap((gap) => packer.pack(gap));
    let added = await this.#add(live.map((request) => ({ request, lane: 'live' })));
    if (lookback) {
      const start = Math.max(wanted.start, wanted.end - settings.lookbackWindows * windowLength[granularity]);
      const interval = { start, end: wanted.end };
      added += await this.#planLookback(
        { granularity, tokens, metrics: scope.metrics, interval },
        plan.onGrid(await this.#unfinished(granularity)),
      );
    }
    return { added, hasMore: !isEmpty({ start: wanted.start, end: liveFrom }) };
  }

  /** Queues what older windows of a granularity lack, newest first, as far as the queue may hold it. */
  async planOlder(granularity: Granularity): Promise<PlanResult> {
    const [plan, unfinished, hasBudget, isPaused] = await Promise.all([
      this.#prepare(granularity),
      this.#unfinished(granularity),
      this.#options.rateLimiter.canSend('history'),
      this.#isHistoryPaused(),
    ]);
    if (plan === undefined) return { added: 0, hasMore: false };
    const { scope, tokens, wanted, liveFrom } = plan;
    // Jobs that could not be sent now would only come back.
    const canSendHistory = hasBudget && !isPaused;
    const room = mostWaiting - unfinished.length;
    const underWay = plan.onGrid(unfinished);
    const readOlder: GapReader = async (_, interval) => [
      ...(await plan.read(interval, underWay)),
      ...subtract(await plan.probes(granularity, interval), underWay),
    ];
    const older: PlannedRequest[] = [];
    const stretch = stretchFor(tokens.length * scope.metrics.length, [granularity]);
    const rest = new Map([[granularity, { start: wanted.start, end: liveFrom }]]);
    for await (const request of planRequests(rest, readOlder, this.#options.packer, stretch)) {
      if (older.length >= room) return { added: await this.#add(older), hasMore: true };
      const lane = laneOfGap(granularity, request.interval, wanted.end);
      // Newest first: what follows is history, too.
      if (lane === 'history' && !canSendHistory) break;
      older.push({ request, lane });
    }
    return { added: await this.#add(older), hasMore: false };
  }

  async #isHistoryPaused(): Promise<boolean> {
    return (await readHistoryPause(this.#options.database)) !== undefined;
  }

  /** The common start of both halves of a plan; `undefined` where nothing is wanted. */
  async #prepare(granularity: Granularity) {
    const { database, settings, clock } = this.#options;
    const now = clock.now();
    // One after the other, these would be much of the time from a window's due time to its call.
    const [dayStart] = await Promise.all([
      readDayStart(database),
      followRecords(this.#options.packer, database, settings),
      believeLacking(database, granularity),
    ]);
    // After that, since the scope leaves out what is believed to lack the granularity.
    const scope = await readScope(database, settings, now);
    const { metrics } = scope;
    const range = { start: settings.historyStart, end: now };
    const { settleDelay, keep } = settings;
    const wanted = wantedWindows(range, [granularity], now, settleDelay, dayStart, keep).get(granularity);
    if (wanted === undefined || isEmpty(wanted) || scope.tokens.length === 0 || metrics.length === 0) {
      return undefined;
    }
    const tokens = scope.tokensOf(granularity);
    const read = async (interval: Interval, underWay: readonly DataRequest[], of = tokens) =>
      subtract(await readGaps(database, { granularity, tokens: of, metrics, interval }, { now }), underWay);
    const probes = probeReader(database, scope, new Map([[granularity, wanted]]), { now });
    const onGrid = (requests: readonly DataRequest[]) => onGridOf(granularity, dayStart, requests);
    const liveFrom = Math.max(wanted.start, wanted.end - liveWindows * windowLength[granularity]);
    return { scope, tokens, wanted, liveFrom, read, probes, onGrid };
  }

  /** Queues the tags of the newest Beijing day that has settled, for tokens that have not been answered for it. */
  async planTags(): Promise<PlanResult> {
    const { database, settings, clock, packer } = this.#options;
    const { limit, unit } = await followRecords(packer, database, settings);
    const { tokens, tags } = await readScope(database, settings, clock.now());
    if (tokens.length === 0 || tags.length === 0) return { added: 0, hasMore: false };
    const interval = newestDay(clock.now(), settings.settleDelay, await readDayStart(database));
    const now = clock.now();
    const gaps = await readGaps(database, { granularity: '1d', tokens, metrics: tags, interval }, { now });
    const requests = tagRequests(gaps, { recordLimit: limit, recordUnit: unit });
    return {
      added: await this.#add(requests.map((request) => ({ request, lane: 'repair' }))),
      hasMore: false,
    };
  }

  /** Queues windows of the last days that were answered without a value, since values may come late. */
  async planRecheck(granularity: Granularity): Promise<PlanResult> {
    const { database, settings, clock, packer } = this.#options;
    await followRecords(packer, database, settings);
    const scope = await readScope(database, settings, clock.now());
    const { metrics } = scope;
    const tokens = scope.tokensOf(granularity);
    const now = clock.now();
    const range = { start: Math.max(settings.historyStart, now - recheckedFor), end: now };
    const dayStart = await readDayStart(database);
    const { settleDelay, keep } = settings;
    const interval = wantedWindows(range, [granularity], now, settleDelay, dayStart, keep).get(granularity);
    if (interval === undefined || isEmpty(interval) || tokens.length === 0 || metrics.length === 0) {
      return { added: 0, hasMore: false };
    }
    const empty = await readEmptyCells(database, { granularity, tokens, metrics, interval });
    const underWay = onGridOf(granularity, dayStart, await this.#unfinished(granularity));
    const requests = subtract(empty, underWay).flatMap((gap) => packer.pack(gap));
    return {
      added: await this.#add(requests.map((request) => ({ request, lane: 'lookback' }))),
      hasMore: false,
    };
  }

  /**
   * Queues what is due of the audit: calls about settled windows of random age, which are compared with what is stored.
   * @param perDay calls of a Beijing day
   */
  async planAudit(
    chosen: readonly Granularity[],
    perDay: number,
    random: Random = Math.random,
  ): Promise<PlanResult> {
    const { database, clock, fetchQueue, rateLimiter } = this.#options;
    const now = clock.now();
    const today = beijingDay(now);
    const queued = (await fetchQueue.unfinished()).filter(({ name }) => name === 'audit').length;
    const sent = (await countAuditCalls(database, today)) + queued;
    const due = auditsDue(perDay, (now - today) / day, sent);
    if (due === 0 || chosen.length === 0 || !(await rateLimiter.canSend('audit'))) {
      return { added: 0, hasMore: false };
    }
    const requests: DataRequest[] = [];
    // What is drawn may not have been asked for yet; then another is.
    for (let tries = 0; requests.length < due && tries < 5 * due; tries++) {
      const granularity = chosen[Math.floor(random() * chosen.length)];
      const drawn = granularity === undefined ? undefined : await this.#drawAudit(granularity, random);
      const isAgain = (each: DataRequest) =>
        each.granularity === drawn?.granularity && each.interval.start === drawn.interval.start;
      if (drawn !== undefined && !requests.some(isAgain)) requests.push(drawn);
    }
    return {
      added: await this.#add(requests.map((request) => ({ request, lane: 'audit' }))),
      hasMore: false,
    };
  }

  /** A request about some of the tokens in a settled window, as many as one answer holds; all of it was answered before. */
  async #drawAudit(granularity: Granularity, random: Random): Promise<DataRequest | undefined> {
    const plan = await this.#prepare(granularity);
    if (plan === undefined) return undefined;
    const { database, settings, packer } = this.#options;
    const { scope, wanted } = plan;
    const young = Math.max(1, settings.lookbackWindows) * windowLength[granularity];
    const settled = { start: wanted.start, end: Math.max(wanted.start, wanted.end - young) };
    const interval = drawWindow(granularity, settled, random);
    const tokens = shuffled(plan.tokens, random);
    if (interval === undefined || tokens.length === 0) return undefined;
    const block = { granularity, tokens, metrics: scope.metrics, interval };
    const underWay = plan.onGrid(await this.#unfinished(granularity));
    const gaps: readonly Gap[] = await readGaps(database, block);
    const requests = subtract([block], [...gaps, ...underWay]).flatMap((gap) => packer.pack(gap));
    return requests[Math.floor(random() * requests.length)];
  }

  async #planLookback(
    block: {
      granularity: Granularity;
      tokens: readonly Token[];
      metrics: readonly MetricCode[];
      interval: Interval;
    },
    underWay: readonly DataRequest[],
  ): Promise<number> {
    if (isEmpty(block.interval)) return 0;
    const gaps: readonly Gap[] = await readGaps(this.#options.database, block);
    const answered = subtract([block], [...gaps, ...underWay]);
    const requests = answered.flatMap((gap) => this.#options.packer.pack(gap));
    return this.#add(requests.map((request) => ({ request, lane: 'lookback' })));
  }

  /** Requests of the granularity that wait in the queues or are being fetched; those of all queues where none are named. */
  async #unfinished(
    granularity: Granularity,
    queues: readonly JobQueue[] = [this.#options.liveQueue, this.#options.fetchQueue],
  ): Promise<DataRequest[]> {
    const { catalogue } = this.#options.database;
    const schema = fetchJobSchema(catalogue);
    const jobs = (await Promise.all(queues.map((queue) => queue.unfinished()))).flat();
    return jobs.flatMap((job) => {
      // The others are not checked whole: a job names up to a thousand tokens.
      if (!isJobOf(granularity, job.data)) return [];
      const { data } = schema.safeParse(job.data);
      return data === undefined ? [] : [requestOf(data)];
    });
  }

  async #add(planned: readonly PlannedRequest[]): Promise<number> {
    if (planned.length === 0) return 0;
    const { liveQueue, fetchQueue, log } = this.#options;
    const isLive = ({ lane }: PlannedRequest) => lane === 'live';
    await this.#queue(liveQueue, planned.filter(isLive));
    await this.#queue(
      fetchQueue,
      planned.filter((request) => !isLive(request)),
    );
    const [first] = planned;
    log.debug({ granularity: first?.request.granularity, requests: planned.length }, 'queued');
    return planned.length;
  }

  async #queue(queue: JobQueue, planned: readonly PlannedRequest[]): Promise<void> {
    if (planned.length === 0) return;
    await queue.addBulk(
      planned.map(({ request, lane }) => ({
        name: lane,
        data: toFetchJob(request, lane),
        opts: { jobId: fetchJobId(request), priority: priorityOf(lane) },
      })),
    );
  }
}
