import type { Now as Facts, Freshness, Trouble } from '../../server/api/types.ts';
import { linkTo } from '../address.ts';
import { isLive } from '../api.ts';
import { latest } from '../first.ts';
import { bytes, count, percent, purpose, relative } from '../format.ts';
import { Prose, Time, useAsked } from '../parts/parts.tsx';

/** How things are at this moment, beginning with whether anything needs a person. */
export function Now() {
  const { data, problem, remedy } = useAsked<Facts>('/status', {}, true, latest.status);
  if (data !== undefined) latest.status = data;
  if (problem !== undefined) return <Silence problem={problem} remedy={remedy} />;
  if (data === undefined) return <p class="empty">Asking how things are …</p>;
  return (
    <>
      <Verdict facts={data} />
      <div class="cards">
        {data.granularities.map((part) => (
          <Granularity key={part.granularity} part={part} now={data.at} />
        ))}
      </div>
      <div class="cards">
        <Filling facts={data} />
        <Budget facts={data} />
        <div class="stack">
          <Calls facts={data} />
          <Queue facts={data} />
        </div>
        <Store facts={data} />
      </div>
      <p class="soft small">
        As of <Time at={data.at} both />.{isLive.value === false && ' News do not come in at the moment.'}
      </p>
    </>
  );
}

function Verdict({ facts: { verdict, troubles, at } }: { facts: Facts }) {
  const worst = troubles.find(({ level }) => level === verdict.level);
  const others = troubles.filter((trouble) => trouble !== worst);
  return (
    <div class={`verdict ${verdict.level}`} role="status">
      <p class="sentence">{verdict.sentence}</p>
      {verdict.remedy !== null && (
        <p class="remedy">
          <Prose text={verdict.remedy} />
        </p>
      )}
      {worst !== undefined && <When trouble={worst} now={at} />}
      {others.map((trouble) => (
        <p key={`${trouble.kind} ${trouble.detail}`} class="remedy">
          <strong>{capitalised(trouble.headline)}</strong>: {trouble.detail}.{' '}
          <Prose text={`${capitalised(trouble.remedy)}. `} />
          <When trouble={trouble} now={at} />
        </p>
      ))}
    </div>
  );
}

const capitalised = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Since when a trouble lasts, and when the program tries again. */
function When({ trouble: { since, again }, now }: { trouble: Trouble; now: string }) {
  if (since === null && again === null) return null;
  return (
    <span class="small">
      {since !== null && (
        <>
          Since <Time at={since} both />.{' '}
        </>
      )}
      {again !== null && <>Asked again {relative(again, now)}.</>}
    </span>
  );
}

function Silence({ problem, remedy }: { problem: string; remedy: string | undefined }) {
  return (
    <div class="verdict bad" role="status">
      <p class="sentence">{problem}</p>
      <p class="remedy">
        {remedy === undefined ? 'The page asks again by itself.' : `${capitalised(remedy)}.`}
      </p>
    </div>
  );
}

function stateOf({ newestDue, windowsBehind, isLate }: Freshness): readonly [kind: string, text: string] {
  if (newestDue === null) return ['', 'nothing due'];
  if (windowsBehind === null) return ['warn', 'no values yet'];
  if (windowsBehind === 0) return ['good', 'up to date'];
  const text = `${count(windowsBehind)} ${windowsBehind === 1 ? 'window' : 'windows'} behind`;
  return [isLate ? 'bad' : 'warn', text];
}

function Granularity({ part, now }: { part: Freshness; now: string }) {
  const { granularity, newestDue, dueAt, tokensThere, tokensWanted, missing, usual, wanted, answered } = part;
  const [kind, text] = stateOf(part);
  return (
    <section class="card" aria-label={`Windows of ${granularity}`}>
      <div class="head">
        <h2>{granularity}</h2>
        <span class={`tag ${kind}`}>{text}</span>
      </div>
      {newestDue !== null && (
        <>
          <div class="big">
            {count(tokensThere)} <small>of {count(tokensWanted)} tokens</small>
          </div>
          <p class="small">
            in the window from <Time at={newestDue} both />
            {dueAt !== null && <span class="soft">, due {relative(dueAt, now)}</span>}
          </p>
          <p class="small soft">
            {usual === null ? 'nothing to compare with yet' : `usual at this hour: ${count(usual)}`}
          </p>
          {missing.length > 0 && <Missing names={missing} total={tokensWanted - tokensThere} />}
          <p class="small soft">
            history: {wanted === 0 ? '–' : percent(answered / wanted)} asked for and answered
          </p>
        </>
      )}
    </section>
  );
}

/** So many names stand on the card itself. */
const fewNames = 4;

function Missing({ names, total }: { names: readonly string[]; total: number }) {
  if (total <= fewNames) return <p class="small">missing: {names.join(', ')}</p>;
  return (
    <details class="small">
      <summary>
        missing: {names.slice(0, fewNames).join(', ')} and {count(total - fewNames)} more
      </summary>
      {names.slice(fewNames).join(', ')}
      {total > names.length && ' …'}
    </details>
  );
}

function Filling({ facts: { filling, at } }: { facts: Facts }) {
  return (
    <section class="card" aria-label="History">
      <div class="head">
        <h2>History</h2>
        <span class={`tag ${filling === null ? 'good' : 'busy'}`}>
          {filling === null ? 'complete' : 'filling'}
        </span>
      </div>
      {filling === null ? (
        <p>Every window that is wanted has been asked for.</p>
      ) : (
        <>
          <div class="big">{percent(filling.share)}</div>
          <progress max={1} value={filling.share} aria-label="Share of the history that is answered" />
          <dl class="small">
            <dt>left</dt>
            <dd>{count(filling.left)} values</dd>
            <dt>rate</dt>
            <dd>{filling.perSecond > 0 ? `${count(filling.perSecond)} values/s` : 'nothing lately'}</dd>
            <dt>complete</dt>
            <dd>{filling.readyAt === null ? 'unknown' : `${relative(filling.readyAt, at)}`}</dd>
          </dl>
        </>
      )}
      <p class="small">
        <a href={linkTo('coverage')}>What is missing</a>
      </p>
    </section>
  );
}

function Budget({ facts: { budget } }: { facts: Facts }) {
  const sent = budget.lanes.reduce((sum, { calls }) => sum + calls, 0);
  return (
    <section class="card" aria-label="Calls today">
      <h2>Calls today (Beijing)</h2>
      <div class="big">
        {count(sent)}{' '}
        <small>{budget.perDay === null ? 'no daily limit set' : `of ${count(budget.perDay)}`}</small>
      </div>
      {budget.perDay !== null && (
        <progress
          max={budget.perDay}
          value={Math.min(sent, budget.perDay)}
          aria-label="Share of the daily limit"
        />
      )}
      <dl class="small">
        {budget.lanes.map(({ lane, calls }) => [
          <dt key={`${lane} name`}>{purpose(lane)}</dt>,
          <dd key={lane}>{count(calls)}</dd>,
        ])}
      </dl>
    </section>
  );
}

function Calls({ facts: { calls, access, refused, at } }: { facts: Facts }) {
  const { last, recent, recentFailed } = calls;
  const isIll = access !== null || (recent > 0 && recentFailed > recent / 2);
  return (
    <section class="card" aria-label="Access to the API">
      <div class="head">
        <h2>API</h2>
        <span class={`tag ${isIll ? 'bad' : 'good'}`}>
          {access !== null ? 'refused' : isIll ? 'failing' : 'answers'}
        </span>
      </div>
      <dl class="small">
        {Object.entries(calls.lastDay).map(([outcome, number]) => [
          <dt key={`${outcome} name`}>{outcome} in 24 h</dt>,
          <dd key={outcome}>{count(number)}</dd>,
        ])}
        <dt>last call</dt>
        <dd>{last === null ? 'none' : relative(last.at, at)}</dd>
        {access !== null && [
          <dt key="probe name">asks again</dt>,
          <dd key="probe">{relative(access.probeAt, at)}</dd>,
        ]}
      </dl>
      {refused.length > 0 && <p class="small">not in the subscription: {refused.join(', ')}</p>}
      <p class="small">
        <a href={linkTo('trouble', { list: 'calls' })}>All calls</a>
      </p>
    </section>
  );
}

const queueNames: Readonly<Record<string, string>> = {
  plan: 'planning',
  live: 'newest windows',
  fetch: 'all other calls',
};

function workOf({ active = 0, waiting = 0, prioritized = 0 }: Readonly<Record<string, number>>): string {
  const left = waiting + prioritized;
  return active + left === 0 ? 'idle' : `${count(active)} at work, ${count(left)} waiting`;
}

function Queue({ facts: { queue } }: { facts: Facts }) {
  return (
    <section class="card" aria-label="Queue">
      <div class="head">
        <h2>Queue</h2>
        <span class={`tag ${queue === null ? 'bad' : 'good'}`}>
          {queue === null ? 'no answer' : 'answers'}
        </span>
      </div>
      {queue !== null && (
        <dl class="small">
          {Object.entries(queue).map(([name, states]) => [
            <dt key={`${name} name`}>{queueNames[name] ?? name}</dt>,
            <dd key={name}>{workOf(states)}</dd>,
          ])}
        </dl>
      )}
    </section>
  );
}

function Store({ facts: { database, tokens, quarantined, qualityNotes, revisions } }: { facts: Facts }) {
  return (
    <section class="card" aria-label="Database">
      <h2>Database</h2>
      <div class="big">{bytes(database.bytes)}</div>
      <dl class="small">
        {database.diskFreeBytes !== null && [
          <dt key="free name">free on disk</dt>,
          <dd key="free">{bytes(database.diskFreeBytes)}</dd>,
        ]}
        <dt>tables</dt>
        <dd>{database.timescale ? 'hypertables' : 'plain, no TimescaleDB'}</dd>
        <dt>tokens wanted</dt>
        <dd>{count(tokens)}</dd>
        <dt>values that changed</dt>
        <dd>{count(revisions)}</dd>
        <dt>in quarantine</dt>
        <dd>{count(quarantined)}</dd>
        <dt>doubtful values</dt>
        <dd>{count(qualityNotes)}</dd>
      </dl>
    </section>
  );
}
