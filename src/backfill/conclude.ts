import { formatBeijing } from '../beijing.ts';
import { TryLaterError, UserError } from '../errors.ts';
import type { IngestTally } from '../ingest/context.ts';
import {
  type BackfillScope,
  type BackfillState,
  endOrder,
  forgetRefresh,
  readOrder,
} from '../store/ledger/orders.ts';
import type { BackfillContext } from './context.ts';
import type { FillResult } from './fill.ts';
import { notPlaced, orderIsOver, type Quote } from './order.ts';
import { type FillScope, readFillScope } from './scope.ts';
import { summariseGaps, totalOf } from './summary.ts';

/** How the work on an order ended. */
export interface Conclusion {
  /** Number of the order; `undefined` where nothing was missing, and nothing ordered. */
  readonly order: number | undefined;
  readonly end: FillResult['end'] | 'cancelled' | 'paused';
  readonly tally: IngestTally;
  /** Cells that the ledger still lacks, and the requests they take. */
  readonly valuesLeft: number;
  readonly requestsLeft: number;
  /** Why something is left; `undefined` where nothing is. */
  readonly problem: UserError | TryLaterError | undefined;
}

interface WorkDone {
  readonly id: number | undefined;
  readonly placed: BackfillScope;
  readonly scope: FillScope;
  readonly result: FillResult;
}

/** The result of a fill that had nothing to fill. */
const nothingFilled: FillResult = {
  tally: { calls: 0, values: 0, rowsWritten: 0, revisions: 0, rejects: 0, windowsBeside: 0 },
  end: 'done',
  budgetUntil: undefined,
  failures: 0,
  wanted: undefined,
  lastFailure: undefined,
};

/** How an order ends that nobody placed, since nothing was missing. */
export function concludeWithoutOrder(
  { placed, scope }: Quote,
  context: BackfillContext,
): Promise<Conclusion> {
  return conclude({ id: undefined, placed, scope, result: nothingFilled }, context);
}

/** Reads from the ledger what is left, and ends the order accordingly. */
export async function conclude(work: WorkDone, context: BackfillContext): Promise<Conclusion> {
  const { database, clock } = context;
  const { id, result } = work;
  const left = await readLeft(work, context);
  const state = id === undefined ? undefined : (await readOrder(database, id))?.state;
  const { end, problem, ended } = decide({ id, state, left, result });
  if (id !== undefined && ended !== undefined) {
    await endOrder(database, id, { state: ended, message: problem?.message }, clock.now());
  }
  // Calls that were under way when a refresh was cancelled have entered what they brought in its ledger.
  if (id !== undefined && end === 'cancelled') await forgetRefresh(database, id);
  return { order: id, end, tally: result.tally, ...left, problem };
}

interface Left extends Pick<Conclusion, 'valuesLeft' | 'requestsLeft'> {
  /** Values of these that were answered with nothing, which is not believed yet. */
  readonly valuesDoubted: number;
}

/**
 * How the work ended, from how the fill ended, what the ledger lacks and what somebody has decided meanwhile.
 * @param work `state`: the order's, as it is now
 * @returns `ended`: the state that the order gets; `undefined` where it has that of a person's decision, or there is none
 */
export function decide(work: {
  readonly id: number | undefined;
  readonly state: BackfillState | undefined;
  readonly left: Left;
  readonly result: Pick<FillResult, 'end' | 'budgetUntil' | 'lastFailure'>;
}): Pick<Conclusion, 'end' | 'problem'> & { readonly ended: 'done' | 'failed' | 'stopped' | undefined } {
  const { id, state, left, result } = work;
  const rest = describeRest(id, left);
  if (id !== undefined && state === 'paused' && left.valuesLeft > 0) {
    return {
      end: 'paused',
      problem: new TryLaterError(`order ${id} is paused; ${rest}`),
      ended: undefined,
    };
  }
  // Paused, and resumed before the work had come to its end: the next worker goes on.
  if (id !== undefined && state === 'waiting' && left.valuesLeft > 0) {
    const problem = new TryLaterError(`order ${id} waits for the next worker; ${rest}`);
    return { end: 'stopped', problem, ended: undefined };
  }
  if (id !== undefined && state === 'cancelled') {
    return { end: 'cancelled', problem: orderIsOver(id, 'cancelled'), ended: undefined };
  }
  if (left.valuesLeft === 0) return { end: result.end, problem: undefined, ended: 'done' };
  const end = result.end === 'done' ? 'stopped' : result.end;
  return {
    end,
    problem: problemOf(result, rest),
    ended: end === 'access-denied' || end === 'all-wrong' ? 'failed' : 'stopped',
  };
}

async function readLeft({ id, placed, scope, result }: WorkDone, context: BackfillContext): Promise<Left> {
  // The API may have turned out not to give some of it, or to have more.
  const learned = await readFillScope(placed, id ?? notPlaced, context);
  const inRange = { ...learned, wanted: result.wanted ?? scope.wanted };
  const { database, packer } = context;
  const { values, requests } = totalOf(await summariseGaps(database, inRange, packer));
  if (values === 0) return { valuesLeft: 0, requestsLeft: 0, valuesDoubted: 0 };
  const notAsked = totalOf(await summariseGaps(database, inRange, packer, { askedSince: 0 }));
  return { valuesLeft: values, requestsLeft: requests, valuesDoubted: values - notAsked.values };
}

function describeRest(id: number | undefined, { valuesLeft, requestsLeft, valuesDoubted }: Left): string {
  const number = (count: number) => count.toLocaleString('en-US');
  const remedy = id === undefined ? 'Run the same command again' : `\`backfill resume ${id}\` continues it`;
  if (valuesDoubted > 0) {
    const rest = valuesLeft - valuesDoubted;
    const others = rest === 0 ? '' : `, and ${number(rest)} others are left`;
    return (
      `${number(valuesDoubted)} values came as nothing where something was to be expected${others}. An answer with ` +
      `nothing is believed after a day; until then the pipeline asks again (\`gaps --reason suspect\` lists them). ${remedy}`
    );
  }
  return `${number(valuesLeft)} values (${number(requestsLeft)} requests) are left. ${remedy}`;
}

/** Why an order is not done, with the remedy. */
function problemOf(
  { end, budgetUntil, lastFailure }: Pick<FillResult, 'end' | 'budgetUntil' | 'lastFailure'>,
  rest: string,
): UserError | TryLaterError {
  const reason = lastFailure === undefined ? '' : `: ${lastFailure.message}`;
  switch (end) {
    case 'access-denied':
      return new UserError(
        `the API refuses access${reason}. Check the credentials, and that this machine's address is on the key's whitelist`,
      );
    case 'all-wrong':
      return new UserError(
        `the API finds every request wrong${reason}. \`doctor --calibrate\` finds out how it wants them; ${rest}`,
      );
    case 'limit':
      return new TryLaterError(`--max-requests is reached; ${rest}`);
    case 'budget': {
      const until =
        budgetUntil === undefined ? 'tomorrow' : `after ${formatBeijing(budgetUntil).slice(0, 16)}`;
      return new TryLaterError(
        `the daily budget (REQUESTS_PER_DAY) is used up as far as history may have it; ${rest} ${until} (Beijing)`,
      );
    }
    case 'stopped':
      return new TryLaterError(`stopped${reason}; ${rest}`);
    case 'no-answers':
      return new TryLaterError(`the API gives no answers${reason}; ${rest}`);
    case 'done':
      return lastFailure?.kind === 'bad-request'
        ? new UserError(`the API finds a request wrong${reason}; ${rest}. The table requests shows it`)
        : new TryLaterError(`${rest}${reason}`);
  }
}
