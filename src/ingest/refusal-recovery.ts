import { ApiFailure } from '../api/failure.ts';
import { type MetricCode, metricCodes, type TagCode, tagCodes, windowLength } from '../catalog/index.ts';
import type { DataRequest } from '../planning/request.ts';
import { type Inquiry, type Knowledge, type Outcome, plain, type Step, type Verdict } from './inquiry.ts';
import {
  codesOf,
  type FillerCodes,
  fillerOf,
  halve,
  halveCodes,
  halveTokens,
  mayExceed,
  withCodes,
} from './splitting.ts';

/**
 * Finds out which part of a request the API refuses or cannot give, so that the rest is not lost with it. Pure: judges
 * one outcome at a time and says what follows from it; `Ingestor` acts.
 */
export function judge(inquiry: Inquiry, outcome: Outcome, knowledge: Knowledge): Verdict {
  const { step } = inquiry;
  switch (step.kind) {
    case 'newest-window':
      return judgeNewestWindow(inquiry.request, step.rest, outcome, knowledge);
    case 'first-half':
    case 'second-half':
      return judgeHalf(inquiry.request, step, outcome, knowledge);
    case 'other-company':
      return judgeCompany(inquiry.request, step.refusedWith, outcome, knowledge);
    default:
      return judgeAlone(inquiry, outcome, knowledge);
  }
}

/** The inquiry without what is known to be refused. @returns what is left of it, if anything, and what was left out */
export function leaveOutRefused(
  { request, step }: Inquiry,
  refused: ReadonlySet<MetricCode | TagCode>,
): { readonly allowed: Inquiry | undefined; readonly leftOut: readonly DataRequest[] } {
  if (codesOf(request).every((code) => !refused.has(code))) {
    return { allowed: { request, step }, leftOut: [] };
  }
  const waiting = waitingFor(step);
  const allowed = withCodes(request, (code) => !refused.has(code));
  const leftOut = [request, ...waiting].map((each) => withCodes(each, (code) => refused.has(code)));
  return codesOf(allowed).length === 0
    ? { allowed: undefined, leftOut }
    : { allowed: { request: allowed, step: withAllowed(step, refused) }, leftOut };
}

/** What is asked next, or not at all, depending on the outcome of a step. */
function waitingFor(step: Step): readonly DataRequest[] {
  switch (step.kind) {
    case 'newest-window':
      return [step.rest];
    case 'first-half':
      return [step.second];
    case 'second-half':
      return step.wrongHalf === undefined ? [] : [step.wrongHalf];
    default:
      return [];
  }
}

function withAllowed(step: Step, refused: ReadonlySet<MetricCode | TagCode>): Step {
  const narrow = (request: DataRequest) => withCodes(request, (code) => !refused.has(code));
  switch (step.kind) {
    case 'newest-window':
      return { ...step, rest: narrow(step.rest) };
    case 'first-half':
      return { ...step, second: narrow(step.second) };
    case 'second-half':
      return { ...step, wrongHalf: step.wrongHalf && narrow(step.wrongHalf) };
    default:
      return step;
  }
}

/** An outcome that concerns nothing but the request itself (see `FailureKind`). */
function judgeAlone({ request, step }: Inquiry, outcome: Outcome, knowledge: Knowledge): Verdict {
  if (outcome.kind === 'answered') {
    return outcome.isCutShort ? askInHalves(request, overfull(), step) : {};
  }
  const { failure } = outcome;
  switch (failure.kind) {
    case 'no-data':
      return judgeNoData(request, step, knowledge);
    case 'metric-refused':
      return judgeRefusal(request, step, knowledge);
    case 'bad-request':
      if (mayExceed(request, knowledge.recordLimit)) return askInHalves(request, failure, step);
      return step.kind === 'part' ? fail(failure, request) : seekWrongToken(request, failure);
    default:
      return fail(failure, request);
  }
}

const fail = (failure: ApiFailure, ...requests: readonly DataRequest[]): Verdict => ({
  failed: requests.map((request) => ({ request, failure })),
});

const overfull = () =>
  new ApiFailure('transient', 'the answer is full of windows that were not asked for', { code: 200 });

/** @param failure what is said of a request that cannot be divided any further */
function askInHalves(request: DataRequest, failure: ApiFailure, step: Step): Verdict {
  const parts = halve(request);
  if (parts === undefined) return fail(failure, request);
  return { ask: parts.map((part) => ({ request: part, step: stepOfParts(step) })) };
}

/** Parts of a request are asked for their own sake; that a wrong token is no longer looked for is handed down. */
const stepOfParts = ({ kind }: Step): Step => ({ kind: kind === 'plain' ? 'plain' : 'part' });

/**
 * The API has nothing for the request: that may mean one of its tokens, unless the API is known to answer for the others;
 * for all of them it may mean that the range merely reaches beyond what the API keeps. Then it has the newest window all the same.
 */
function judgeNoData(request: DataRequest, step: Step, knowledge: Knowledge): Verdict {
  const { isKnownEmpty, speaksForAll } = knowledge;
  const parts = speaksForAll ? undefined : halveTokens(request);
  if (parts !== undefined) {
    return { ask: parts.map((part) => ({ request: part, step: stepOfParts(step) })) };
  }
  const { start, end } = request.interval;
  const newest = end - windowLength[request.granularity];
  if (newest <= start || isKnownEmpty) return { empty: [request] };
  const rest = { ...request, interval: { start, end: newest } };
  return {
    ask: [
      { request: { ...request, interval: { start: newest, end } }, step: { kind: 'newest-window', rest } },
    ],
  };
}

/** Where the newest window has values the range reached too far back; where it has none there is nothing at all. */
function judgeNewestWindow(
  request: DataRequest,
  rest: DataRequest,
  outcome: Outcome,
  knowledge: Knowledge,
): Verdict {
  if (outcome.kind === 'answered' && !outcome.isCutShort) {
    return outcome.values === 0 ? { empty: [rest] } : { ask: (halve(rest) ?? [rest]).map(plain) };
  }
  if (outcome.kind === 'failed' && outcome.failure.kind === 'no-data') return { empty: [request, rest] };
  const verdict = judgeAlone(plain(request), outcome, knowledge);
  // An outcome that tells nothing about the rest: where the window is asked for again, so is the rest.
  if (verdict.ask !== undefined) return { ...verdict, ask: [...verdict.ask, plain(rest)] };
  if (outcome.kind === 'failed' && outcome.failure.kind === 'metric-refused') {
    return { ...verdict, leftOut: [...(verdict.leftOut ?? []), rest] };
  }
  return outcome.kind === 'failed' ? fail(outcome.failure, request, rest) : fail(overfull(), request, rest);
}

/**
 * Looks for the one token that makes a request wrong, so that its neighbours are not lost with it: both halves are asked,
 * and the wrong one is divided in its turn. Where both are wrong the reason is another, and asking on would only repeat it.
 */
function seekWrongToken(request: DataRequest, failure: ApiFailure): Verdict {
  const [first, second] = halveTokens(request) ?? [];
  if (first === undefined || second === undefined) return fail(failure, request);
  return { ask: [{ request: first, step: { kind: 'first-half', second, failure } }] };
}

function judgeHalf(
  request: DataRequest,
  step: Step & { readonly kind: 'first-half' | 'second-half' },
  outcome: Outcome,
  knowledge: Knowledge,
): Verdict {
  const isWrong =
    outcome.kind === 'failed' &&
    outcome.failure.kind === 'bad-request' &&
    !mayExceed(request, knowledge.recordLimit);
  const own = isWrong ? {} : judgeAlone({ request, step: { kind: 'part' } }, outcome, knowledge);
  const { failure } = step;
  if (step.kind === 'first-half') {
    const second: Inquiry = {
      request: step.second,
      step: { kind: 'second-half', wrongHalf: isWrong ? request : undefined, failure },
    };
    return { ...own, ask: [...(own.ask ?? []), second] };
  }
  const { wrongHalf } = step;
  if (isWrong && wrongHalf !== undefined) return fail(failure, wrongHalf, request);
  const suspect = isWrong ? request : wrongHalf;
  if (suspect === undefined) return own;
  const sought = seekWrongToken(suspect, failure);
  return {
    ...own,
    ask: [...(own.ask ?? []), ...(sought.ask ?? [])],
    failed: [...(own.failed ?? []), ...(sought.failed ?? [])],
  };
}

/** Halves the codes until the refused one stands alone. */
function judgeRefusal(request: DataRequest, step: Step, knowledge: Knowledge): Verdict {
  const { allowed, leftOut } = leaveOutRefused({ request, step }, knowledge.refused);
  if (allowed === undefined) return { leftOut };
  if (leftOut.length > 0) return { leftOut, ask: [allowed] };
  const parts = halveCodes(request);
  if (parts !== undefined) {
    return { ask: parts.map((part) => ({ request: part, step: stepOfParts(step) })) };
  }
  return blameOrAskInOtherCompany(request, [], knowledge);
}

/**
 * A single code was refused together with a filler. Where that was answered before, the code is to blame; else the code is
 * asked for in other company, until it is let through or there is no other.
 *
 * @param before fillers with which it was refused earlier
 */
function blameOrAskInOtherCompany(
  request: DataRequest,
  before: readonly (MetricCode | TagCode)[],
  { fillers, granted, refused }: Knowledge,
): Verdict {
  const blamed: Verdict = { blame: codesOf(request), leftOut: [request] };
  const filler = fillerOf(request, fillers);
  if (filler === undefined || granted.has(filler)) return blamed;
  const refusedWith = [...before, filler];
  const others = otherFillers(fillers, new Set([...refused, ...refusedWith]));
  if (fillerOf(request, others) === undefined) return blamed;
  return { ask: [{ request, step: { kind: 'other-company', fillers: others, refusedWith } }] };
}

function otherFillers(fillers: FillerCodes, out: ReadonlySet<MetricCode | TagCode>): FillerCodes {
  return {
    metric: fillers.metric && metricCodes.find((code) => !out.has(code)),
    tag: fillers.tag && tagCodes.find((code) => !out.has(code)),
  };
}

/** Let through in this company, the code was refused for the company it had before. */
function judgeCompany(
  request: DataRequest,
  refusedWith: readonly (MetricCode | TagCode)[],
  outcome: Outcome,
  knowledge: Knowledge,
): Verdict {
  if (outcome.kind === 'failed' && outcome.failure.kind === 'metric-refused') {
    return blameOrAskInOtherCompany(request, refusedWith, knowledge);
  }
  const isLetThrough = outcome.kind === 'answered' || outcome.failure.kind === 'no-data';
  const own = judgeAlone({ request, step: { kind: 'part' } }, outcome, knowledge);
  return isLetThrough ? { ...own, blame: [...(own.blame ?? []), ...refusedWith] } : own;
}
