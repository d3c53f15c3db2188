import { z } from 'zod';
import { troubleKinds } from '../../../store/reports/trouble-kinds.ts';
import { given, granularity, page } from './parts.ts';

/** What the API gives. */

export const problem = z.object({
  error: z.string(),
  remedy: z.string().optional().describe('What helps, where that is known'),
});

// --- Session and catalogue ---

export const session = z.object({
  access: z.enum(['read', 'write']),
  needsToken: z.boolean().describe('Whether reading needs a sign-in'),
  canWrite: z.boolean().describe('Whether the server has a token for writing at all'),
});

export const metrics = z.object({
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
});

const listedToken = z.object({
  token: z.string().describe('Ticker'),
  name: z.string(),
  listed: z.boolean().describe('Whether the API offers it now'),
});

export const tokens = page(listedToken);

export const catalogue = metrics.extend({ tokens: z.array(listedToken) });

// --- How things are ---

const verdict = z.object({
  level: z.enum(['well', 'busy', 'warning', 'bad']),
  sentence: z.string(),
  remedy: z.string().nullable(),
});

export const trouble = z.object({
  kind: z.enum(troubleKinds),
  level: z
    .enum(['bad', 'warning', 'note'])
    .describe('bad: data do not come, or cannot be trusted; note: it is being taken care of'),
  headline: z.string(),
  since: given.nullable(),
  detail: z.string(),
  remedy: z.string(),
  again: given.nullable().describe('When the program tries again by itself'),
});

export const freshness = z.object({
  granularity,
  newestDue: given.nullable().describe('Start of the newest window that is due'),
  dueAt: given.nullable().describe('When that window became due'),
  newestStored: given.nullable().describe('Start of the newest window with a value of any token'),
  windowsBehind: z.number().nullable(),
  isLate: z
    .boolean()
    .describe('Whether a window has been due for half an hour and has no value of any token'),
  tokensWanted: z.number().describe('Tokens that have windows of this granularity'),
  tokensThere: z.number().describe('How many of them have a value in the newest due window'),
  missing: z.array(z.string()).describe('The others, at most 100'),
  usual: z.number().nullable().describe('Tokens with a value at this hour of the 14 days before, median'),
  wanted: z.number().describe('Values that are wanted in all'),
  answered: z.number().describe('How many of them the API has answered'),
});

export const now = z.object({
  at: given,
  verdict,
  troubles: z.array(trouble).describe('What is wrong, the worst first; the command `status` says the same'),
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

const tokenFreshness = z.object({
  granularity,
  token: z.string(),
  newest: given.nullable().describe('Start of its newest window with a value'),
  windowsBehind: z.number().nullable().describe('Windows after it that are due'),
  usualShare: z.number().nullable().describe('Share of the windows before it that have a value, 0 to 1'),
  isLate: z.boolean().nullable().describe('More than two windows behind, and it usually has nearly all'),
});

export const tokensFreshness = page(tokenFreshness);

// --- Values ---

export const values = z.object({
  columns: z.array(z.string()).describe("'time', 'token' and the metrics, as in each row"),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  next: z.number().nullable(),
  sql: z.string().describe('The same as SQL, for a tool of your own'),
});

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

export const coverage = z.object({
  granularity,
  from: given,
  step: z.number().describe('Length of a column in milliseconds'),
  columns: z.number(),
  legend: z.record(z.string(), z.string()).describe('What each letter means'),
  rows: z.array(z.object({ token: z.string(), cells: z.string().describe('A letter for each column') })),
});

/** Windows without a value, and why. */
const lacking = {
  reason: z.string(),
  detail: z.string().nullable(),
  metrics: z.array(z.string()),
  from: given,
  to: given,
  windows: z.number(),
};

export const cell = z.object({
  gaps: z.array(z.object(lacking)),
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

export const gap = z.object({ token: z.string(), ...lacking });

export const gaps = page(gap);

// --- Trouble ---

const request = z.object({
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

export const events = page(
  z.object({
    id: z.number(),
    at: given.describe('When it happened, or began'),
    until: given.describe('When it ended, or was last noticed'),
    isOpen: z.boolean().describe('Whether it goes on still'),
    kind: z.string(),
    granularity: granularity.nullable(),
    subject: z.string(),
    message: z.string(),
    times: z.number(),
  }),
);

const quarantineEntry = z.object({
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

export const replayed = z.object({
  replayed: z.number(),
  superseded: z.number(),
  left: z.number(),
  values: z.number(),
});

export const dismissed = z.object({ dismissed: z.number() });

const note = z.object({
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

const suspendedRule = z.object({
  granularity,
  metric: z.string(),
  note: z.string().describe('What the rule finds, as in the notes'),
  share: z.number().describe('Share of the recent rows on which it fires, 0 to 1'),
  rows: z.number(),
  since: given,
  examples: z.array(z.object({ token: z.string(), time: given, value: z.number(), detail: z.string() })),
});

export const suspendedRules = page(suspendedRule);

const revision = z.object({
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

export const historyState = z.object({ isPaused: z.boolean() });

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

export const orderProgress = z.object({
  order,
  valuesLeft: z.number(),
  requestsLeft: z.number(),
  done: z.number().describe('Share of the values that are there, 0 to 1'),
});

export const placed = z.object({ id: z.number() });
