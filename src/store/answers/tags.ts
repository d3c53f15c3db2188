import { inArray, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { AnsweredTag } from '../../api/decode.ts';
import { formatBeijingDate } from '../../beijing.ts';
import type { Token } from '../../catalog/index.ts';
import type { Instant } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { tokenTags } from '../schema/index.ts';
import { columnNames, excluded, textArray } from '../schema/sql.ts';

/**
 * Writes labels. A label is kept from the first to the last Beijing day on which it had the same value.
 * @param window start of the window that they were asked for
 */
export async function writeTags(
  database: Database,
  tags: readonly AnsweredTag[],
  window: Instant,
  tx: Transaction,
): Promise<void> {
  if (tags.length === 0) return;
  const day = sql`${formatBeijingDate(window)}::date`;
  const known = alias(tokenTags, 'known');
  const later = alias(tokenTags, 'later');
  const { token, tag, value, firstDay, lastDay } = columnNames(tokenTags);
  const came = excluded(tokenTags);
  await database.query(
    'write tags',
    sql`
      with incoming as (
        select * from unnest(
          ${textArray(tags.map((each) => each.token))},
          ${textArray(tags.map((each) => each.tag))},
          ${textArray(tags.map((each) => each.value))}
        ) as t (token, tag, value)
      ), latest as (
        select distinct on (token, tag) token, tag, value, ${known.firstDay} as first_day
        from ${tokenTags} as ${known} join incoming using (token, tag, value)
        where ${known.firstDay} <= ${day} and not exists (
          select from ${tokenTags} as ${later}
          where ${later.token} = ${known.token} and ${later.tag} = ${known.tag}
            and ${later.firstDay} > ${known.firstDay} and ${later.firstDay} <= ${day}
        )
        order by token, tag, ${known.firstDay} desc
      )
      insert into ${tokenTags} as label (${token}, ${tag}, ${value}, ${firstDay}, ${lastDay})
      select token, tag, value, coalesce(latest.first_day, ${day}), ${day}
      from incoming left join latest using (token, tag, value)
      order by token, tag
      on conflict (${token}, ${tag}, ${firstDay}) do update
        set ${value} = ${came.value}, ${lastDay} = greatest(label.${lastDay}, ${came.lastDay})
        where label.${value} <> ${came.value} or label.${lastDay} < ${came.lastDay}`,
    tx,
  );
}

/** Whether any of the tokens ever had a label. */
export async function hasTags(database: Database, tokens: readonly Token[]): Promise<boolean> {
  const [found] = await database.run('look for tags', (db) =>
    db
      .select({ token: tokenTags.token })
      .from(tokenTags)
      .where(inArray(tokenTags.token, [...tokens]))
      .limit(1),
  );
  return found !== undefined;
}
