import type { EventKind } from '../../src/store/schema/events.ts';
import { notificationSettings } from './contact.ts';
import { datasource } from './model.ts';

/** Rules that Grafana evaluates every minute: a number above zero that lasts is an alert. */

export interface Alert {
  readonly uid: string;
  readonly title: string;
  /** Gives one number, or one for each label; above zero is wrong. */
  readonly sql: string;
  readonly lasting: string;
  readonly summary: string;
  readonly remedy: string;
}

/** Events of these kinds in the last hour. */
const happenedLately = (...kinds: readonly EventKind[]) => `select count(*) as events
from cryptoracle.events
where kind in (${kinds.map((kind) => `'${kind}'`).join(', ')}) and until > now() - interval '1 hour'`;

const alerts: readonly Alert[] = [
  {
    uid: 'cryptoracle-freshness',
    title: 'Data are late',
    sql: `select granularity, is_late::integer as late
from cryptoracle.freshness`,
    lasting: '10m',
    summary:
      'The newest {{ $labels.granularity }} window ended long ago, or fewer tokens than usual have a value in it',
    remedy:
      'The view `freshness` tells which. Does the scheduler run, and a worker? The command `status` tells what the API last said.',
  },
  {
    uid: 'cryptoracle-gaps',
    title: 'Yesterday has gaps',
    sql: `select granularity, (sum(expected) - sum(answered))::float8 as missing
from cryptoracle.coverage_daily
where day = (now() at time zone 'Asia/Shanghai')::date - 1
group by granularity`,
    // The last window of a day is asked for some 15 minutes after midnight, and repairs follow.
    lasting: '2h',
    summary: 'Values of {{ $labels.granularity }} windows of yesterday (Beijing) have not been answered',
    remedy: 'The command `gaps` tells which, and why; `backfill` fills them at once.',
  },
  {
    uid: 'cryptoracle-breaker',
    title: 'The API refuses access',
    sql: 'select count(*) as refused from cryptoracle.breaker',
    lasting: '1m',
    summary: 'The API refuses access: nothing is asked but a probe now and then',
    remedy:
      "See the table breaker for the API's words; check the credentials and the key's address whitelist.",
  },
  {
    uid: 'cryptoracle-token-list',
    title: 'The list of tokens is doubted',
    sql: 'select count(*) as doubted from cryptoracle.doubted_lists',
    lasting: '1m',
    summary: 'The API gave a list of tokens that drops many of them, or names mostly unknown ones',
    remedy:
      'All tokens stay in use until the API has said so for an hour. The table doubted_lists names those that vanished; ask the vendor.',
  },
  {
    uid: 'cryptoracle-suspects',
    title: 'Nothing comes where something is to be expected',
    sql: `select each.granularity, count(distinct suspect.token)::integer as tokens
from unnest(array['15m', '1h', '4h', '1d']) as each (granularity)
left join cryptoracle.suspects as suspect on suspect.granularity = each.granularity and suspect.times > 1
group by each.granularity`,
    lasting: '10m',
    summary:
      'The API answers with nothing for {{ $labels.granularity }} windows of tokens that have values at other times',
    remedy:
      'The command `status` tells since when. They are asked for again by themselves, and believed to be empty after a day.',
  },
  {
    uid: 'cryptoracle-quarantine',
    title: 'Something could not be stored',
    sql: `select count(*) as quarantined
from cryptoracle.quarantine
where last_seen_at > now() - interval '1 hour' and resolution is null`,
    lasting: '1m',
    summary: 'The API sent what could not be stored; it is kept in quarantine',
    remedy: 'See the table quarantine for the reason and the raw form.',
  },
  {
    uid: 'cryptoracle-metric-refused',
    title: 'The API refuses a metric',
    sql: happenedLately('metric refused'),
    lasting: '0s',
    summary: 'The API says that the subscription does not include a metric or a label that is wanted',
    remedy:
      'The table entitlements names it; it is tried again once a day. Ask the vendor, or leave it out of METRICS.',
  },
  {
    uid: 'cryptoracle-backfill-died',
    title: 'A backfill died or stopped',
    sql: happenedLately('order failed', 'order stopped'),
    lasting: '0s',
    summary: 'A backfill ended before it was done',
    remedy: 'The command `backfill list` says why; `backfill resume` goes on where it ended.',
  },
  {
    uid: 'cryptoracle-backfill-done',
    title: 'A backfill is done',
    sql: happenedLately('order done'),
    lasting: '0s',
    summary: 'A backfill is done',
    remedy: 'Nothing is to be done: `backfill list` has it.',
  },
];

/** Where Grafana itself serves docs/runbooks: docker-compose.yml has them among its public files. */
const runbooks = '/public/runbooks';

/** The rules as Grafana's provisioning reads them. */
export function rulesToGrafana(): object {
  return {
    apiVersion: 1,
    groups: [
      {
        orgId: 1,
        name: 'cryptoracle',
        folder: 'Cryptoracle',
        interval: '1m',
        rules: alerts.map(({ uid, title, sql, lasting, summary, remedy }) => ({
          uid,
          title,
          condition: 'B',
          for: lasting,
          // A database that does not answer is an alert of its own.
          noDataState: 'OK',
          execErrState: 'Error',
          annotations: {
            summary,
            description: remedy,
            runbook_url: `${runbooks}/${uid.replace('cryptoracle-', '')}.md`,
          },
          labels: { source: 'cryptoracle' },
          notification_settings: notificationSettings,
          data: [
            {
              refId: 'A',
              datasourceUid: datasource.uid,
              relativeTimeRange: { from: 600, to: 0 },
              model: {
                refId: 'A',
                datasource,
                rawQuery: true,
                editorMode: 'code',
                format: 'table',
                rawSql: sql,
              },
            },
            {
              refId: 'B',
              datasourceUid: '__expr__',
              relativeTimeRange: { from: 0, to: 0 },
              model: {
                refId: 'B',
                type: 'threshold',
                expression: 'A',
                conditions: [{ evaluator: { type: 'gt', params: [0] } }],
              },
            },
          ],
        })),
      },
    ],
  };
}
