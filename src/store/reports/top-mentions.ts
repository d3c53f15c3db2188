import { sql } from 'drizzle-orm';
import type { MetricRole, Token } from '../../catalog/index.ts';
import type { Database } from '../connection/database.ts';
import { inMilliseconds, metricTable } from '../schema/sql.ts';

/** A token that is talked about. */
export interface TopMention extends Record<string, unknown> {
  readonly token: Token;
  /** Start of the hour, in milliseconds since the epoch. */
  readonly time: number;
  readonly mentions: number;
  /** Of all mentions, 0 to 1. */
  readonly share: number;
  /** Against the same hour of the day before, as a fraction; `null` where that is unknown. */
  readonly change: number | null;
  /** -1 to 1. */
  readonly sentiment: number;
}

/** The most mentioned tokens of the newest hour, most mentions first. */
export function readTopMentions(database: Database, most: number): Promise<TopMention[]> {
  const column = (role: MetricRole) => sql.identifier(database.catalogue.role(role).column);
  const mentions = column('mentions');
  return database.query<TopMention>(
    'read top mentions',
    sql`
      select now.token, ${inMilliseconds(sql`now.time`)} as "time",
        now.${mentions} as mentions, coalesce(now.${column('mention-share')}, 0) as share,
        now.${mentions} / nullif(before.${mentions}, 0) - 1 as change,
        coalesce(now.${column('net-sentiment')}, 0) as sentiment
      from ${metricTable('1h')} as now
      left join ${metricTable('1h')} as before
        on before.token = now.token and before.time = now.time - interval '1 day'
      where now.time = (select max(time) from ${metricTable('1h')}) and now.${mentions} is not null
      order by now.${mentions} desc
      limit ${most}`,
  );
}
