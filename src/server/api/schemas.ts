import { z } from 'zod';
import { granularities } from '../../catalog/granularities.ts';

/** What the API takes and gives. The page has its types from here, and the OpenAPI description is made of it. */

const granularity = z.enum(granularities).describe('Length of a window');

/** Instants are given in UTC, and taken with any offset. */
const instant = z.iso.datetime({ offset: true }).describe('An instant, ISO 8601 with its offset');

const given = z.string().describe('An instant in UTC, ISO 8601');

const token = z.string().min(1).max(64).describe('Ticker of a token');

/** A comma list in the address. */
const list = (most: number, what: string) =>
  z
    .string()
    .max(20_000)
    .transform((text) => text.split(',').filter((item) => item !== ''))
    .pipe(z.array(z.string().max(64)).max(most))
    .describe(`${what}, separated by commas; at most ${most}`);

const explorerTokens = list(10, 'Tickers');
const columns = list(40, 'Columns of metrics, e.g. net_sentiment');

/** A page of a list: where it goes on, and how long it is. */
const paging = {
  cursor: z.coerce.number().int().min(0).max(1e15).optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('Most items'),
};

export const problem = z.object({ error: z.string() });

const page = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.number().nullable().describe('The next `cursor`; null at the end'),
  });

// --- Session and catalogue ---

export const session = z.object({
  access: z.enum(['read', 'write']),
  needsToken: z.boolean().describe('Whether reading needs a sign-in'),
  canWrite: z.boolean().describe('Whether the server has a token for writing at all'),
});

export const catalogue = z.object({
  granularities: z.array(granularity),
  metrics: z.array(
    z.object({
      code: z.string(),
      column: z.string(),
      kind: z.string(),
      unit: z.string(),
      minimum: z.number().nullable(),
      maximum: z.number().nullable(),
      meaning: z.string(),
    }),
  ),
  tags: z.array(z.object({ code: z.string(), name: z.string(), subject: z.string(), meaning: z.string() })),
  tokens: z.array(z.object({ token: z.string(), name: z.string(), listed: z.boolean() })),
});

// --- How things are ---

export const verdict = z.object({
  level: z.enum(['well', 'busy', 'warning', 'bad']),
  sentence: z.string(),
  remedy: z.string().nullable(),
});

export const freshness = z.object({
  granularity,
  newestDue: given.nullable().describe('Start of the newest window that is due'),
  dueAt: given.nullable().describe('When that window became due'),
  newestStored: given.nullable().describe('Start of the newest window with a value of any token'),
  windowsBehind: z.number().nullable(),
  tokensWanted: z.number().describe('Tokens that have windows of this granularity'),
  tokensThere: z.number().describe('How many of them have a value in the newest due window'),
  missing: z.array(z.string()).describe('The others, at most 100'),
  usual: z
    .number()
    .nullable()
    .describe('Tokens with a value in the same window of the 14 days before, median'),
  wanted: z.number().describe('Values that are wanted in all'),
  answered: z.number().describe('How many of them the API has answered'),
});

export const now = z.object({
  at: given,
  verdict,
  granularities: z.array(freshness),
  filling: z
    .object({
      left: z.number().describe('Values that are wanted and not asked for'),
      share: z.number().describe('Share of the wanted values that is answered, 0 to 1'),
      perSecond: z.number().describe('Values a second, over the last ten minutes'),
      readyAt: given.nullable().describe('When it will be complete at this rate'),
    })
    .nullable(),
  budget: z.object({
    perDay: z.number().nullable().describe('REQUESTS_PER_DAY; null: no limit'),
    lanes: z.array(z.object({ lane: z.string(), calls: z.number() })).describe('Calls of this Beijing day'),
  }),
  calls: z.object({
    lastDay: z.record(z.string(), z.number()).describe('Calls of the last 24 hours by outcome'),
    recent: z.number().describe('Calls of the last ten minutes'),
    recentFailed: z.number(),
    last: z.object({ at: given, outcome: z.string(), message: z.string().nullable() }).nullable(),
  }),
  access: z
    .object({ reason: z.string(), code: z.number().nullable(), since: given, probeAt: given })
    .nullable()
    .describe('Why the API refuses access; null where it does not'),
  refused: z.array(z.string()).describe('Codes that the subscription does not include'),
  queue: z.record(z.string(), z.record(z.string(), z.number())).nullable().describe('Jobs; null: no answer'),
  database: z.object({
    bytes: z.number(),
    timescale: z.boolean(),
    diskFreeBytes: z.number().nullable().describe('On the disk of the embedded database; null elsewhere'),
  }),
  tokens: z.number(),
  quarantined: z.number(),
  qualityNotes: z.number(),
  revisions: z.number(),
});

// --- Values ---

const range = {
  from: instant.describe('Start of the range'),
  to: instant.describe('End of the range, not included'),
};

export const valuesQuery = z.object({
  granularity,
  token: explorerTokens,
  metric: columns,
  ...range,
  asOf: instant.optional().describe('As known at this instant'),
  cursor: z.coerce.number().int().min(0).max(10_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(20_000).default(5000),
});

export const values = z.object({
  columns: z.array(z.string()).describe("'time', 'token' and the metrics, as in each row"),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
  next: z.number().nullable(),
  sql: z.string().describe('The same as SQL, for a tool of your own'),
});

const places = { granularity, ...paging };

export const moversQuery = z.object({ ...places, by: z.enum(['mentions', 'sentiment']).default('mentions') });

export const mover = z.object({
  token: z.string(),
  time: given,
  mentions: z.number().nullable(),
  mentionsBefore: z.number().nullable(),
  mentionChange: z.number().nullable(),
  sentiment: z.number().nullable(),
  sentimentBefore: z.number().nullable(),
  sentimentChange: z.number().nullable(),
});
export const movers = page(mover);

export const zscoresQuery = z.object(places);
export const zscore = z.object({
  token: z.string(),
  time: given,
  sentiment: z.number(),
  mean: z.number().nullable(),
  deviation: z.number().nullable(),
  windows: z.number(),
  zscore: z.number().nullable(),
});
export const zscores = page(zscore);

// --- Coverage ---

export const cellStates = {
  filled: '#',
  sparse: 's',
  partly: 'p',
  missing: 'm',
  failed: 'f',
  quarantined: 'q',
  'not entitled': 'n',
  empty: 'e',
  'before history': 'b',
  unavailable: 'u',
  none: '.',
} as const;

export type CellState = keyof typeof cellStates;

export const coverageQuery = z.object({
  granularity,
  ...range,
  by: z.enum(['day', 'window']).default('day').describe('A column for each Beijing day, or for each window'),
});

export const coverage = z.object({
  granularity,
  from: given,
  step: z.number().describe('Length of a column in milliseconds'),
  columns: z.number(),
  legend: z.record(z.string(), z.string()).describe('What each letter means'),
  rows: z.array(z.object({ token: z.string(), cells: z.string().describe('A letter for each column') })),
});

export const cellQuery = z.object({ granularity, token, ...range });

export const cell = z.object({
  gaps: z.array(
    z.object({
      reason: z.string(),
      detail: z.string().nullable(),
      metrics: z.array(z.string()),
      from: given,
      to: given,
      windows: z.number(),
    }),
  ),
  windowsWithValues: z.number(),
  calls: z.array(
    z.object({
      at: given,
      lane: z.string(),
      outcome: z.string(),
      code: z.number().nullable(),
      records: z.number(),
      message: z.string().nullable(),
    }),
  ),
  revisions: z.number(),
  quarantined: z.number(),
  notes: z.number(),
});

export const gapsQuery = z.object({
  granularity,
  token: token.optional(),
  reason: z.string().max(60).optional(),
  ...paging,
});
export const gap = z.object({
  token: z.string(),
  reason: z.string(),
  detail: z.string().nullable(),
  metrics: z.array(z.string()),
  from: given,
  to: given,
  windows: z.number(),
});
export const gaps = page(gap);

// --- Trouble ---

const filters = {
  granularity: granularity.optional(),
  token: token.optional(),
  from: instant.optional(),
  to: instant.optional(),
};

export const requestsQuery = z.object({
  ...filters,
  outcome: z.string().max(40).optional().describe("An outcome, or 'failed' for all but answered ones"),
  lane: z.string().max(20).optional(),
  ...paging,
});
export const request = z.object({
  id: z.number(),
  at: given,
  what: z.string(),
  lane: z.string(),
  granularity: granularity.nullable(),
  from: given.nullable(),
  to: given.nullable(),
  tokens: z.array(z.string()),
  metrics: z.array(z.string()),
  outcome: z.string(),
  code: z.number().nullable(),
  records: z.number(),
  rowsWritten: z.number(),
  milliseconds: z.number(),
  message: z.string().nullable(),
});
export const requests = page(request);

export const failuresQuery = z.object({ hours: z.coerce.number().int().min(1).max(720).default(24) });
export const failures = z.object({
  items: z.array(
    z.object({
      outcome: z.string(),
      code: z.number().nullable(),
      calls: z.number(),
      first: given,
      last: given,
      message: z.string().nullable().describe('Of the last one'),
    }),
  ),
});

export const refusals = z.object({
  items: z.array(z.object({ code: z.string(), name: z.string().nullable(), since: given, last: given })),
});

export const quarantineQuery = z.object({
  ...filters,
  reason: z.string().max(200).optional(),
  resolved: z.stringbool().default(false).describe('Whether resolved entries come, too'),
  ...paging,
});
export const quarantineEntry = z.object({
  id: z.number(),
  granularity,
  token: z.string().nullable(),
  time: given.nullable(),
  metric: z.string().nullable(),
  reason: z.string(),
  raw: z.string().describe('Its first 500 characters'),
  timesSeen: z.number(),
  firstSeenAt: given,
  lastSeenAt: given,
  resolution: z.string().nullable(),
});
export const quarantine = page(quarantineEntry);

export const quarantineChoice = z.object({
  granularity: granularity.optional(),
  token: token.optional(),
  metric: z.string().max(64).optional(),
  reason: z.string().max(200).optional(),
});
export const replayed = z.object({
  replayed: z.number(),
  superseded: z.number(),
  left: z.number(),
  values: z.number(),
});
export const dismissed = z.object({ dismissed: z.number() });

export const notesQuery = z.object({ ...filters, note: z.string().max(60).optional(), ...paging });
export const note = z.object({
  granularity,
  token: z.string(),
  time: given,
  metric: z.string(),
  note: z.string(),
  value: z.number(),
  detail: z.string(),
  notedAt: given,
});
export const notes = page(note);

export const revisionsQuery = z.object({ ...filters, metric: z.string().max(64).optional(), ...paging });
export const revision = z.object({
  id: z.number(),
  granularity,
  token: z.string(),
  time: given,
  metric: z.string(),
  old: z.number().nullable(),
  new: z.number(),
  revisedAt: given,
});
export const revisions = page(revision);

// --- Backfills ---

export const orderChoice = z.object({
  ...range,
  granularities: z.array(granularity).min(1).max(4),
  tokens: z.array(token).max(500).optional().describe('All that are wanted, where absent'),
  refresh: z.boolean().default(false).describe('Whether to ask again for what is answered'),
});

export const price = z.object({
  values: z.number(),
  requests: z.number(),
  seconds: z.number().nullable().describe('null: the daily budget leaves nothing for it'),
  bytes: z.number(),
  compressedBytes: z.number(),
  rate: z.number().describe('Requests a second'),
  budgetShare: z.number().nullable().describe("Share of a day's budget for history; null: no budget"),
  nothing: z.string().nullable().describe('Why there is nothing to fetch; null where there is'),
  parts: z.array(z.object({ granularity, values: z.number(), requests: z.number(), windows: z.number() })),
});

export const order = z.object({
  id: z.number(),
  state: z.string(),
  from: given,
  to: given,
  granularities: z.array(granularity),
  tokens: z.array(z.string()),
  refresh: z.boolean(),
  valuesOrdered: z.number().nullable(),
  requestsPlanned: z.number().nullable(),
  requestsSent: z.number(),
  startedAt: given,
  heartbeatAt: given.nullable(),
  endedAt: given.nullable(),
  message: z.string().nullable(),
});
export const orders = page(order);
export const ordersQuery = z.object({ state: z.string().max(20).optional(), ...paging });
export const orderParams = z.object({ id: z.coerce.number().int().min(1).max(1e15) });
export const orderProgress = z.object({
  order,
  valuesLeft: z.number(),
  requestsLeft: z.number(),
  done: z.number().describe('Share of the values that are there, 0 to 1'),
});
export const placed = z.object({ id: z.number() });
