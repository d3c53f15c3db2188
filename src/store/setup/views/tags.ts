import type { View } from './view.ts';

/** The labels of tokens and their communities: now, and as they changed. */

const labelColumns = {
  token: 'Ticker of the token, see tokens',
  code: 'API code of the tag',
  tag: 'Name of the tag, see tag_catalog',
  subject: "What the label describes: 'token' or 'community'",
  value:
    'The label: text, or JSON where the API sent JSON. cryptoracle.label_json(value) reads it, and gives NULL for text and for JSON that was cut short; a cast would end the query',
};

/**
 * The labels, each from the first to the last day on which it was seen. Answers that come out of order may have left two
 * rows of the same label, one after the other.
 */
const stretches = `select token, tag, value, min(first_day) as first_day, max(last_day) as last_day
  from (
    select *, count(*) filter (where is_other) over label as stretch
    from (
      select *, value is distinct from lag(value) over label as is_other
      from cryptoracle.token_tags window label as (partition by token, tag order by first_day)
    ) as compared
    window label as (partition by token, tag order by first_day)
  ) as counted
  group by token, tag, stretch, value`;

const current: View = {
  name: 'token_tags_current',
  comment: 'The newest label of each token under each tag',
  columns: {
    ...labelColumns,
    since: 'First Beijing day on which this label was seen',
    last_seen: 'Last Beijing day on which it was seen; labels are asked for once a day',
  },
  query: `select distinct on (label.token, label.tag)
  label.token, catalogue.code, catalogue.name as tag, catalogue.subject, label.value,
  label.first_day as since, label.last_day as last_seen
from (${stretches}) as label
join cryptoracle.tag_catalog as catalogue on catalogue.code = label.tag
order by label.token, label.tag, label.first_day desc`,
};

const history: View = {
  name: 'token_tag_history',
  comment:
    'Every label of each token with the Beijing days for which it held. On a day: valid_from <= day and (valid_to is null or day < valid_to)',
  columns: {
    ...labelColumns,
    valid_from:
      'First Beijing day on which the label was seen. It may be older: before that day nobody had asked',
    valid_to: 'First Beijing day on which another label was seen, not included; NULL while it holds',
    last_seen: 'Last Beijing day on which the label was seen',
  },
  query: `select label.token, catalogue.code, catalogue.name as tag, catalogue.subject, label.value,
  label.first_day as valid_from,
  lead(label.first_day) over (partition by label.token, label.tag order by label.first_day) as valid_to,
  label.last_day as last_seen
from (${stretches}) as label
join cryptoracle.tag_catalog as catalogue on catalogue.code = label.tag`,
};

export const tagViews: readonly View[] = [current, history];
