import { z } from 'zod';
import { granularity, instant, range, token } from './parts.ts';

/** What the API takes. */

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

/** A yes or no: a text in an address, a boolean where a program sends one. */
const flag = z.union([z.boolean(), z.stringbool()]);

/** Of what asks for nothing in particular. */
export const noQuery = z.object({});

// --- Values ---

export const tokensQuery = z.object({
  search: z.string().max(64).optional().describe('Part of a ticker or a name'),
  listed: flag.optional().describe('Whether the API offers them now'),
  ...paging,
});

export const valuesQuery = z.object({
  granularity,
  token: explorerTokens,
  metric: columns,
  ...range,
  asOf: instant.optional().describe('As known at this instant'),
  final: flag
    .default(false)
    .describe('Whether a column is_final comes, too: true where the pipeline is done with the window'),
  cursor: z.coerce.number().int().min(0).max(10_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(20_000).default(5000),
});

const places = { granularity, ...paging };

export const freshnessQuery = z.object({
  granularity: granularity.optional(),
  token: token.optional(),
  late: flag.default(false).describe('Whether only those that are late'),
  ...paging,
});

export const suspendedRulesQuery = z.object({ granularity: granularity.optional(), ...paging });

export const moversQuery = z.object({ ...places, by: z.enum(['mentions', 'sentiment']).default('mentions') });

export const zscoresQuery = z.object(places);

// --- Coverage ---

export const coverageQuery = z.object({
  granularity,
  token: list(500, 'Tickers')
    .optional()
    .describe('Tickers, separated by commas; all that are wanted where absent'),
  ...range,
  by: z.enum(['day', 'window']).default('day').describe('A column for each Beijing day, or for each window'),
});

export const cellQuery = z.object({ granularity, token, ...range });

export const whyQuery = z.object({
  granularity,
  token,
  window: instant.describe('Any instant within the window'),
  metric: z.string().max(200).optional().describe('By code or column; all that are wanted where absent'),
});

export const gapsQuery = z.object({
  granularity,
  token: token.optional(),
  reason: z.string().max(60).optional(),
  ...paging,
});

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

export const eventsQuery = z.object({
  granularity: granularity.optional(),
  from: instant.optional().describe('What happened, or still went on, since then'),
  to: instant.optional().describe('What began before'),
  kind: z.string().max(40).optional(),
  open: flag.default(false).describe('Whether only what goes on still'),
  ...paging,
});

export const failuresQuery = z.object({ hours: z.coerce.number().int().min(1).max(720).default(24) });

export const quarantineQuery = z.object({
  ...filters,
  reason: z.string().max(200).optional(),
  resolved: flag.default(false).describe('Whether resolved entries come, too'),
  ...paging,
});

export const quarantineChoice = z.object({
  granularity: granularity.optional(),
  token: token.optional(),
  metric: z.string().max(64).optional(),
  reason: z.string().max(200).optional(),
});

export const notesQuery = z.object({ ...filters, note: z.string().max(60).optional(), ...paging });

export const revisionsQuery = z.object({ ...filters, metric: z.string().max(64).optional(), ...paging });

// --- Backfills ---

export const orderChoice = z.object({
  ...range,
  granularities: z.array(granularity).min(1).max(4),
  tokens: z.array(token).max(500).optional().describe('All that are wanted, where absent'),
  refresh: z.boolean().default(false).describe('Whether to ask again for what is answered'),
});

export const ordersQuery = z.object({ state: z.string().max(20).optional(), ...paging });

export const orderParams = z.object({ id: z.coerce.number().int().min(1).max(1e15) });
