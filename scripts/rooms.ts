/** Which folder of `src` may import which; ARCHITECTURE.md says what each holds. `types`: only types of these. */
export const rooms: Readonly<
  Record<string, { readonly imports: readonly string[] | 'all'; readonly types?: readonly string[] }>
> = {
  catalog: { imports: [] },
  planning: { imports: ['catalog'] },
  api: { imports: ['catalog'], types: ['planning'] },
  'api/dialects': { imports: ['api', 'catalog'] },
  'api/calibrate': { imports: ['api', 'catalog'] },
  'store/connection': { imports: [] },
  'store/schema': { imports: ['catalog', 'planning'] },
  'store/ledger': { imports: ['catalog', 'planning', 'store/connection', 'store/schema'] },
  'store/limits': { imports: ['catalog', 'planning', 'store/connection', 'store/schema'] },
  'store/answers': {
    imports: ['catalog', 'planning', 'store/connection', 'store/schema', 'store/ledger'],
    types: ['api'],
  },
  'store/reports': {
    imports: ['catalog', 'planning', 'store/connection', 'store/schema', 'store/ledger', 'store/limits'],
  },
  'store/setup': { imports: ['catalog', 'planning', 'store'] },
  ingest: { imports: ['catalog', 'planning', 'api', 'store'] },
  backfill: { imports: ['catalog', 'planning', 'store', 'ingest'] },
  queue: { imports: ['catalog', 'planning', 'store', 'ingest'] },
  server: { imports: ['catalog', 'planning', 'store', 'queue', 'backfill'] },
  web: { imports: ['catalog'], types: ['server'] },
  simulator: { imports: ['catalog', 'planning', 'api'] },
  config: { imports: ['catalog'] },
  commands: { imports: 'all' },
};

/** Imports that break the table until their owners mend them. The list only shrinks. */
export const allowedUntilMended: readonly string[] = [
  // api and its dialects: the client and the decoder are told which dialect is spoken.
  'src/api/client.ts imports src/api/dialects/dialect.ts',
  'src/api/decode.ts imports src/api/dialects/index.ts',
  'src/api/parts.ts imports src/api/dialects/index.ts',
  'src/api/secrets.ts imports src/api/dialects/dialect.ts',
  // backfill and queue: they tell the API's failures apart by kind.
  'src/backfill/fill.ts imports src/api/failure.ts',
  'src/queue/fetcher.ts imports src/api/failure.ts',
  // server: the page replays quarantined values.
  'src/server/api/routes/trouble.ts imports src/ingest/replay.ts',
];
