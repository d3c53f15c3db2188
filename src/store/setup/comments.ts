import { getTableColumns, getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { type Granularity, granularities, type Metric, metrics } from '../../catalog/index.ts';
import * as schema from '../schema/index.ts';

/** What `\d+` tells a person about each table and column. */

interface TableComment {
  readonly table: string;
  readonly columns: Readonly<Record<string, string>>;
}

const windowNames: Readonly<Record<Granularity, string>> = {
  '15m': '15 minutes',
  '1h': 'one hour',
  '4h': 'four hours',
  '1d': 'one day in Beijing (16:00 to 16:00 UTC)',
};

/** What a column that holds the metric is told to be: unit, range, and what may be computed from it. */
export function describeMetric(metric: Metric): string {
  const bounds =
    metric.minimum === null && metric.maximum === null
      ? ''
      : ` Range: ${metric.minimum ?? '-∞'} to ${metric.maximum ?? '∞'}.`;
  const unit = metric.unit === '1' ? 'a number without unit' : metric.unit;
  const sum = metric.summable ? 'may be summed' : 'not to be summed';
  const mean = metric.averageable ? 'may be averaged' : 'not to be averaged plainly';
  return (
    `${metric.meaning}. Unit: ${unit}.${bounds} Over windows: ${sum}, ${mean}. ${metric.acrossWindows}. ` +
    `API code ${metric.code}. NULL: the API gave no value.`
  );
}

function describeMetricTable(granularity: Granularity): TableComment {
  return {
    table: `Sentiment metrics in windows of ${windowNames[granularity]}, one row for each token and window`,
    columns: {
      time: `Start of the window, which lasts ${windowNames[granularity]}`,
      token: 'Ticker of the token, see tokens',
      ...Object.fromEntries(metrics.map((metric) => [metric.column, describeMetric(metric)])),
      first_seen_at: 'When the first value of the row was stored',
      updated_at: 'When a value of the row last changed',
      backfilled:
        'True where the row was loaded as history, more than LOOKBACK_WINDOWS + 1 (by default 5) windows after it was due: first_seen_at then tells when it was loaded, not when the market could know',
    },
  };
}

const comments: Readonly<Record<string, TableComment>> = {
  ...Object.fromEntries(
    granularities.map((granularity) => [`metrics_${granularity}`, describeMetricTable(granularity)]),
  ),
  coverage: {
    table:
      'Which windows the API has answered, for each granularity, token and metric; what is wanted and not in here is a gap',
    columns: {
      granularity: '15m, 1h, 4h or 1d',
      token: 'Ticker of the token',
      metric: 'API code of the metric or tag',
      answered:
        'Time covered by answered windows, half-open ranges; an answer without a value counts as answered',
    },
  },
  revisions: {
    table: 'Every value that changed after it was first stored, or came after it had been asked for in vain',
    columns: {
      id: 'Order of entry',
      granularity: '15m, 1h, 4h or 1d',
      token: 'Ticker of the token',
      time: 'Start of the window',
      metric: 'API code of the metric',
      old: 'Value until then; NULL where there was none',
      new: 'Value from then on',
      revised_at: 'When the new value was stored',
    },
  },
  quarantine: {
    table: 'What the API sent and could not be stored, in its raw form',
    columns: {
      id: 'Order of entry',
      granularity: 'Granularity of the request',
      token: 'Token as it was sent, where known',
      time: 'Start of the window, where known',
      metric: 'Code as it was sent, where known',
      reason: 'Why it was not stored',
      part: "Which part of the answer raw is: a token's 'entry', a 'window', a 'value' or a 'tag'",
      raw: 'The JSON that was sent, cut after a million characters',
      raw_digest: 'MD5 of raw, to tell repetitions',
      times_seen: 'How often the same was sent',
      first_seen_at: 'When it was first sent',
      last_seen_at: 'When it was last sent',
      request_id: 'The call that first brought it, see requests',
      resolution:
        "'replayed': its values are stored now; 'superseded': a later answer gave values for its cells; 'dismissed': by a person; NULL while it is open",
      resolved_at: 'When it was resolved',
    },
  },
  quality_notes: {
    table:
      'Stored values that are hard to believe; they were stored all the same. A note goes when its value is corrected',
    columns: {
      granularity: '15m, 1h, 4h or 1d',
      token: 'Ticker of the token',
      time: 'Start of the window',
      metric: 'API code of the metric',
      note: "'outside its range', 'not positive minus negative' (by more than 0.02), 'rank out of order with mentions' (more mentions than the token on the place before) or 'fell to zero at once' (a count of 20 or more in the window before)",
      value: 'The value that is stored',
      detail: 'What it was compared with',
      noted_at: 'When it was noted',
    },
  },
  quality_due: {
    table: 'Windows that were written and not looked over for quality notes since; a worklist of the program',
    columns: {
      id: 'Order of entry',
      granularity: '15m, 1h, 4h or 1d',
      windows: 'Range of windows that were written',
    },
  },
  requests: {
    table: 'Every call to the API, one row each, retries included',
    columns: {
      id: 'Order of entry',
      sent_at: 'When it was sent',
      what: "'values' (metrics and tags) or 'tokens' (the token list)",
      lane: "What it was for: 'live', 'repair', 'lookback' or 'history'",
      granularity: 'Granularity asked for',
      windows_from: 'Start of the first window asked for',
      windows_to: 'End of the last window asked for',
      tokens: 'Tokens asked for',
      metrics: 'Codes of metrics and tags asked for',
      outcome:
        "'answered', 'cut-short' (asked again in parts), or the kind of failure: bad-request, access-denied, no-data, metric-refused, throttled, transient",
      code: "The answer's code, else the HTTP status; NULL where there was no answer",
      records: 'Values in the answer',
      rows_written: 'Rows that were new or changed',
      milliseconds: 'From sending to the end of the answer',
      message: 'What went wrong',
    },
  },
  entitlements: {
    table: 'Metrics and tags that the subscription does not include (code 205); left out of all requests',
    columns: {
      metric: 'API code of the metric or tag',
      refused_since: 'When it was first refused',
      last_refused_at: 'When it was last refused',
    },
  },
  facts: {
    table:
      'What the API was found to do where its page leaves that open, one row for each thing that was found; a setting counts for more',
    columns: {
      name: 'day_start, record_unit, record_limit, token_list, empty_tags or clock_offset',
      value:
        "day_start: 08:00 or 00:00 in Beijing; record_unit: value or row; record_limit: most records in an answer; token_list: 'served' or 'not served'; empty_tags: 'accepted' or 'refused'; clock_offset: milliseconds that the clock of the API is ahead of ours",
      found:
        "How it was found: 'assumed', 'answered' (an answer showed it), 'calibrated' (doctor --calibrate) or 'setting'",
      detail: 'What showed it; NULL where nothing is to be said',
      since: 'Since when the value is known, and known in this way',
    },
  },
  wanted: {
    table:
      'What the settings want, one row for each granularity; written by start, and by backfill and migrate while it is empty. The view gaps measures against it',
    columns: {
      granularity: '15m, 1h, 4h or 1d',
      history_start: 'Windows from this instant on are wanted (HISTORY_START)',
      settle_delay: 'After its close until a window is due (SETTLE_DELAY)',
      tokens: 'Tokens wanted (TOKENS); NULL: all that the API lists',
      metrics: 'Codes of the metrics wanted (METRICS)',
    },
  },
  backfills: {
    table: 'Backfill orders and how they ended',
    columns: {
      id: 'Number of the order',
      windows_from: 'Start of the range',
      windows_to: 'End of the range, not included',
      granularities: 'Granularities ordered',
      tokens: 'Tokens ordered',
      metrics: 'Codes of the metrics ordered',
      refresh: 'Whether everything is asked for again, answered or not',
      even_unavailable:
        'Whether its tokens are asked for even in granularities that the API does not have for them',
      state:
        "'running', 'done', 'stopped' (by the user, a limit or gaps that the API left), 'failed' or 'cancelled'",
      values_ordered: 'Values that were missing when it was placed',
      requests_planned: 'Requests that they took then',
      requests_sent: 'Calls to the API so far, retries included',
      started_at: 'When it was placed',
      beat_at:
        'When a process last worked on it; an order that is running and has not been for minutes can be resumed',
      ended_at: 'When it ended',
      message: 'Why it ended, where it is not done',
    },
  },
  refreshed: {
    table:
      'What an order that asks again for everything has been answered since it was placed; gone when it is done',
    columns: {
      backfill: 'Number of the order',
      granularity: '15m, 1h, 4h or 1d',
      token: 'Ticker of the token',
      metric: 'API code of the metric',
      answered: 'Time covered by windows that were answered again',
    },
  },
  token_tags: {
    table:
      'Descriptive labels of tokens and their communities, one row for each stretch of days with the same value',
    columns: {
      token: 'Ticker of the token',
      tag: 'API code of the tag, see tag_catalog',
      value: 'The label: text, or JSON where the API sent JSON',
      first_day: 'First Beijing day on which the label was seen',
      last_day: 'Last Beijing day on which it was seen',
    },
  },
  breaker: {
    table:
      'One row while the API refuses access: then no process sends a request, but for a probe now and then',
    columns: {
      id: 'Always 1: there is one row at most',
      code: "The answer's code: 202, 204 or 403",
      reason: "The API's words",
      opened_at: 'Since when access is refused',
      probe_at: 'When the next request may be sent, to see whether access is back',
    },
  },
  pace: {
    table: 'When the next call to the API may be sent, by any process',
    columns: {
      id: 'Always 1: there is one row',
      next_at: 'Earliest instant of the next call',
      repair_until: 'Until when calls for the look-back and the history give way to repairs that wait',
      lookback_until: 'Until when calls for the history give way to the look-back',
      day: 'Beijing day that sent_today counts',
      sent_today: 'Calls sent on that day, retries included',
    },
  },
  tokens: {
    table: 'Tokens that the API offers, or once offered',
    columns: {
      token: 'Ticker, as the API spells it',
      name: 'Name of the project',
      position: "Place in the API's list, 1 first",
      listed: 'False once the API no longer lists it; its data stay',
      first_listed_at: 'When the token was first listed here',
      last_listed_at: 'When the API last listed it',
    },
  },
  metric_catalog: {
    table: 'What each metric means',
    columns: {
      code: 'API code',
      column_name: 'Column of the metric tables',
      kind: 'rank, change, count, ratio, difference or score',
      unit: "Unit of the values; '1' where there is none",
      minimum: 'Smallest sensible value',
      maximum: 'Largest sensible value',
      meaning: 'What is measured',
    },
  },
  tag_catalog: {
    table: 'What each tag means',
    columns: {
      code: 'API code',
      name: 'Short name',
      subject: 'Whether it describes the token or its communities',
      meaning: 'What it says',
    },
  },
};

/** Drizzle makes this table itself. */
const drizzles: TableComment = {
  table: 'Changes of this schema that were made; a note of the program',
  columns: {
    id: 'Number of the change',
    hash: 'Digest of its SQL',
    created_at:
      'When the change was written, in milliseconds since 1970 (UTC); the newest tells how new the schema is',
  },
};

/** Statements that comment every table and column of the schema. @throws RangeError where one has no comment */
export function commentStatements(): string {
  const statements = Object.values(schema)
    .filter((table) => is(table, PgTable))
    .flatMap((table) => {
      const name = getTableName(table);
      const comment = comments[name];
      if (comment === undefined) throw new RangeError(`no comment for table ${name}`);
      const columns = Object.values(getTableColumns(table)).map((column) => column.name);
      return statementsFor(name, comment, columns);
    });
  return [...statements, ...statementsFor('migrations', drizzles, Object.keys(drizzles.columns))].join(';\n');
}

function statementsFor(name: string, comment: TableComment, columns: readonly string[]): string[] {
  const ofColumns = columns.map((column) => {
    const text = comment.columns[column];
    if (text === undefined) throw new RangeError(`no comment for column ${name}.${column}`);
    return `comment on column cryptoracle."${name}"."${column}" is ${pg.escapeLiteral(text)}`;
  });
  return [`comment on table cryptoracle."${name}" is ${pg.escapeLiteral(comment.table)}`, ...ofColumns];
}
