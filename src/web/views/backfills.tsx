import { useRef, useState } from 'preact/hooks';
import type { Granularity, Now, Order, OrderProgress, Orders, Price } from '../../server/api/types.ts';
import { place } from '../address.ts';
import { mayWrite, Refusal, session, write } from '../api.ts';
import { beijingDate, beijingMidnight, bytes, count, percent, span } from '../format.ts';
import { Problem, Time, useAsked } from '../parts/parts.tsx';

/** Backfills: what was ordered, how far it is, and a new one. */

const granularities: readonly Granularity[] = ['15m', '1h', '4h', '1d'];

export function Backfills() {
  const orders = useAsked<Orders>('/orders', { limit: 50 }, true);
  return (
    <>
      {mayWrite() ? <NewOrder onPlaced={orders.again} /> : <ReadOnly />}
      <AllHistory onChanged={orders.again} />
      <Problem text={orders.problem} />
      {orders.data?.items.length === 0 && <p class="empty">No backfill was ever ordered.</p>}
      <div class="cards">
        {orders.data?.items.map((order) => (
          <OrderCard key={order.id} order={order} onChanged={orders.again} />
        ))}
      </div>
    </>
  );
}

/** How fast an order goes since the page was opened, and how long the rest takes at that. */
function Pace({ valuesLeft }: { valuesLeft: number }) {
  const began = useRef({ valuesLeft, at: Date.now() });
  const seconds = (Date.now() - began.current.at) / 1000;
  const perSecond = (began.current.valuesLeft - valuesLeft) / Math.max(1, seconds);
  if (perSecond <= 0) return null;
  return (
    <>
      ; {count(perSecond)} values/s, {span(valuesLeft / perSecond)} left
    </>
  );
}

/** Whether a person has laid all history aside, and the button that does so or has it go on. */
function AllHistory({ onChanged }: { onChanged: () => void }) {
  const status = useAsked<Now>('/status', {}, true);
  const [problem, setProblem] = useState<string>();
  if (status.data === undefined) return null;
  const pause = status.data.troubles.find(({ kind }) => kind === 'history paused');
  if (pause === undefined && !mayWrite()) return null;
  const act = async () => {
    try {
      await write(`/history/${pause === undefined ? 'pause' : 'resume'}`);
      setProblem(undefined);
      status.again();
      onChanged();
    } catch (error) {
      setProblem(error instanceof Refusal ? error.message : String(error));
    }
  };
  return (
    <section class="card" aria-label="All history">
      <div class="head">
        <h2>All history</h2>
        <span class={`tag ${pause === undefined ? 'good' : 'warn'}`}>
          {pause === undefined ? 'goes on' : 'paused'}
        </span>
      </div>
      <p class="small">
        {pause === undefined ? (
          'The newest windows always come first. To leave all calls to them, pause history and backfills.'
        ) : (
          <>
            Paused{' '}
            {pause.since !== null && (
              <>
                since <Time at={pause.since} both />
              </>
            )}
            , with its backfills. The newest windows go on.
          </>
        )}
      </p>
      <Problem text={problem} />
      {mayWrite() && (
        <div class="buttons">
          <button type="button" onClick={() => void act()}>
            {pause === undefined ? 'Pause all history' : 'Resume all history'}
          </button>
        </div>
      )}
    </section>
  );
}

function ReadOnly() {
  if (session.value === undefined) return null;
  return (
    <p class="soft">
      {session.value.canWrite ? (
        <>
          <a href="/sign-in">Sign in</a> with HTTP_WRITE_TOKEN to place backfills here.
        </>
      ) : (
        <>
          This page only reads. Set HTTP_WRITE_TOKEN to place backfills here, or use the command{' '}
          <code>backfill</code>.
        </>
      )}
    </p>
  );
}

const stateTags: Readonly<Record<string, string>> = {
  running: 'busy',
  waiting: 'busy',
  done: 'good',
  paused: 'warn',
  stopped: 'warn',
  failed: 'bad',
  died: 'bad',
};

const isOver = (state: string) => state === 'done' || state === 'cancelled';

function OrderCard({ order, onChanged }: { order: Order; onChanged: () => void }) {
  const [problem, setProblem] = useState<string>();
  const { data } = useAsked<OrderProgress>(isOver(order.state) ? undefined : `/orders/${order.id}`, {}, true);
  const act = async (change: 'pause' | 'resume' | 'cancel') => {
    try {
      await write(`/orders/${order.id}/${change}`);
      setProblem(undefined);
      onChanged();
    } catch (error) {
      setProblem(error instanceof Refusal ? error.message : String(error));
    }
  };
  const isMoving = order.state === 'running' || order.state === 'waiting';
  return (
    <section class="card" aria-label={`Backfill ${order.id}`}>
      <div class="head">
        <h2>Backfill {order.id}</h2>
        <span class={`tag ${stateTags[order.state] ?? ''}`}>
          {order.state === 'waiting' ? 'waiting for a worker' : order.state}
        </span>
      </div>
      <p class="small">
        {order.granularities.join(', ')} from {beijingDate(order.from)} to {beijingDate(order.to)},{' '}
        {count(order.tokens.length)} tokens
        {order.refresh && ', asked again'}
      </p>
      {data !== undefined && !isOver(order.state) && (
        <>
          <progress max={1} value={data.done} aria-label={`Share of backfill ${order.id} that is done`} />
          <p class="small">
            {percent(data.done)} done; {count(data.valuesLeft)} values, {count(data.requestsLeft)} calls left
            {order.state === 'running' && <Pace valuesLeft={data.valuesLeft} />}
          </p>
        </>
      )}
      <dl class="small">
        <dt>ordered</dt>
        <dd>
          <Time at={order.startedAt} />
        </dd>
        <dt>values</dt>
        <dd>{order.valuesOrdered === null ? '–' : count(order.valuesOrdered)}</dd>
        <dt>calls</dt>
        <dd>
          {count(order.requestsSent)}
          {order.requestsPlanned !== null && ` of about ${count(order.requestsPlanned)}`}
        </dd>
        {order.endedAt !== null && [
          <dt key="ended name">ended</dt>,
          <dd key="ended">
            <Time at={order.endedAt} />
          </dd>,
        ]}
      </dl>
      {order.message !== null && <p class="small soft">{order.message}</p>}
      {order.state === 'died' && (
        <p class="small">Nothing is heard of the process that worked on it. Resume it to go on.</p>
      )}
      <Problem text={problem} />
      {mayWrite() && !isOver(order.state) && (
        <div class="buttons">
          {isMoving ? (
            <button type="button" onClick={() => void act('pause')}>
              Pause
            </button>
          ) : (
            <button type="button" class="primary" onClick={() => void act('resume')}>
              Resume
            </button>
          )}
          <button type="button" onClick={() => void act('cancel')}>
            Cancel
          </button>
        </div>
      )}
    </section>
  );
}

const yesterday = () => beijingDate(Date.now() - 86_400_000);

function NewOrder({ onPlaced }: { onPlaced: () => void }) {
  const { query } = place.value;
  const [from, setFrom] = useState(query.get('from') ?? beijingDate(Date.now() - 8 * 86_400_000));
  const [to, setTo] = useState(query.get('to') ?? yesterday());
  const [chosen, setChosen] = useState<readonly string[]>(query.get('granularity')?.split(',') ?? ['1d']);
  const [tokens, setTokens] = useState(query.get('token') ?? '');
  const [refresh, setRefresh] = useState(false);
  const [price, setPrice] = useState<Price>();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  const choice = () => ({
    from: beijingMidnight(from),
    to: beijingMidnight(to),
    granularities: chosen,
    refresh,
    ...(tokens === '' ? {} : { tokens: tokens.split(/[\s,]+/).filter((token) => token !== '') }),
  });
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(error instanceof Refusal ? error.message : String(error));
    }
    setBusy(false);
  };
  // Whatever changes, the price that is shown no longer holds.
  const edit =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      setPrice(undefined);
    };
  return (
    <section class="card" aria-label="New backfill">
      <h2>New backfill</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(async () => setPrice(await write<Price>('/orders/price', choice())));
        }}
      >
        <div class="controls">
          <label>
            From (Beijing)
            <input
              type="date"
              required
              value={from}
              onInput={({ currentTarget }) => edit(setFrom)(currentTarget.value)}
            />
          </label>
          <label>
            To, not included
            <input
              type="date"
              required
              value={to}
              onInput={({ currentTarget }) => edit(setTo)(currentTarget.value)}
            />
          </label>
          <label>
            Tokens
            <input
              value={tokens}
              placeholder="all, or BTC,ETH"
              onInput={({ currentTarget }) => edit(setTokens)(currentTarget.value.toUpperCase())}
            />
          </label>
          {granularities.map((granularity) => (
            <label class="check" key={granularity}>
              <input
                type="checkbox"
                checked={chosen.includes(granularity)}
                onChange={() =>
                  edit(setChosen)(
                    chosen.includes(granularity)
                      ? chosen.filter((each) => each !== granularity)
                      : [...chosen, granularity],
                  )
                }
              />
              {granularity}
            </label>
          ))}
          <label class="check">
            <input type="checkbox" checked={refresh} onChange={() => edit(setRefresh)(!refresh)} />
            ask again for what is there
          </label>
          <button type="submit" disabled={isBusy || chosen.length === 0}>
            What would it take?
          </button>
        </div>
      </form>
      <Problem text={problem} />
      {price !== undefined && (
        <div role="status">
          {price.nothing !== null ? (
            <p>{price.nothing}</p>
          ) : (
            <>
              <dl class="small">
                <dt>values</dt>
                <dd>{count(price.values)}</dd>
                <dt>calls</dt>
                <dd>{count(price.requests)}</dd>
                <dt>time</dt>
                <dd>
                  {price.seconds === null
                    ? 'never: the daily limit leaves nothing for history'
                    : span(price.seconds)}
                </dd>
                {price.budgetShare !== null && [
                  <dt key="share name">of a day’s calls for history</dt>,
                  <dd key="share">{percent(price.budgetShare)}</dd>,
                ]}
                <dt>disk</dt>
                <dd>
                  {bytes(price.bytes)}, {bytes(price.compressedBytes)} compressed
                </dd>
              </dl>
              <div class="buttons">
                <button
                  type="button"
                  class="primary"
                  disabled={isBusy}
                  onClick={() =>
                    void attempt(async () => {
                      await write('/orders', choice());
                      setPrice(undefined);
                      onPlaced();
                    })
                  }
                >
                  Place backfill
                </button>
              </div>
            </>
          )}
        </div>
      )}
    </section>
  );
}
