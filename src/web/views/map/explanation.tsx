import { type Granularity, windowLength } from '../../../catalog/granularities.ts';
import type { Cell } from '../../../server/api/types.ts';
import { linkTo } from '../../address.ts';
import { mayWrite } from '../../api.ts';
import { beijingDate, count, inBeijing, purpose } from '../../format.ts';
import { Problem, Table, Time, useAsked } from '../../parts/parts.tsx';
import { Story } from './story.tsx';

/** Why a part of the map looks as it does. */

const day = 86_400_000;

/** A part of the map. */
export interface Chosen {
  /** The first of the tokens. */
  readonly token: string;
  readonly tokens: readonly string[];
  readonly from: string;
  readonly to: string;
}

export function Explanation({ granularity, chosen }: { granularity: Granularity; chosen: Chosen }) {
  const { token, tokens, from, to } = chosen;
  const { data, problem } = useAsked<Cell>('/cell', { granularity, token, from, to });
  const due = Math.round((Date.parse(to) - Date.parse(from)) / windowLength[granularity]);
  const order = {
    granularity,
    from: beijingDate(from),
    to: beijingDate(Date.parse(to) + day - 1),
    token: tokens.join(','),
  };
  return (
    <section class="card" aria-label="Why" aria-live="polite">
      <h2>
        {tokens.length === 1 ? token : `${token} and ${tokens.length - 1} more tokens`}, {granularity},{' '}
        {inBeijing(from)} to {inBeijing(to)} (Beijing)
      </h2>
      <Problem text={problem} />
      {data !== undefined && (
        <>
          <p>
            {tokens.length > 1 && `${token}: `}
            {count(data.windowsWithValues)} of {count(due)} windows have values.{' '}
            {data.revisions > 0 && `${count(data.revisions)} values changed later. `}
            {data.quarantined > 0 && `${count(data.quarantined)} things lie in quarantine. `}
            {data.notes > 0 && `${count(data.notes)} values are in doubt. `}
            <a href={linkTo('explorer', { granularity, token, from: beijingDate(from), to: order.to })}>
              Look at the values
            </a>
          </p>
          {data.gaps.length > 0 && (
            <Table
              caption="What is missing"
              rows={data.gaps}
              columns={[
                {
                  name: 'Why',
                  show: ({ reason, detail }) => (
                    <>
                      {reason}
                      {detail !== null && <span class="soft">: {detail}</span>}
                    </>
                  ),
                },
                {
                  name: 'Metrics',
                  show: ({ metrics }) => <span title={metrics.join(', ')}>{metrics.length}</span>,
                },
                { name: 'From', show: (gap) => <Time at={gap.from} /> },
                { name: 'To', show: (gap) => <Time at={gap.to} /> },
                { name: 'Windows', isNumber: true, show: ({ windows }) => count(windows) },
              ]}
            />
          )}
          {data.calls.length > 0 && (
            <details>
              <summary>
                {data.calls.length === 1
                  ? 'The last call that asked for it'
                  : `The last ${data.calls.length} calls that asked for it`}
              </summary>
              <Table
                caption="Calls that asked for it"
                rows={data.calls}
                columns={[
                  { name: 'Sent', show: ({ at }) => <Time at={at} /> },
                  { name: 'For', show: ({ lane }) => purpose(lane) },
                  {
                    name: 'Outcome',
                    show: ({ outcome, code }) => `${outcome}${code === null ? '' : ` (${code})`}`,
                  },
                  { name: 'Values', isNumber: true, show: ({ records }) => count(records) },
                  { name: 'Message', isWide: true, show: ({ message }) => message ?? '' },
                ]}
              />
            </details>
          )}
          <Story cell={data} granularity={granularity} token={token} from={from} to={to} />
          {mayWrite() && (
            <div class="buttons">
              <a href={linkTo('backfills', order)}>Price a backfill of this</a>
            </div>
          )}
        </>
      )}
    </section>
  );
}
