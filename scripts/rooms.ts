/** Which folder of `src` may import which; ARCHITECTURE.md says what each holds. `types`: only types of these. */
export const rooms: Readonly<
  Record<string, { readonly imports: readonly string[] | 'all'; readonly types?: readonly string[] }>
> = {
  catalog: { imports: [] },
  planning: { imports: ['catalog'] },
  api: { imports: ['catalog'], types: ['planning'] },
  'api/dialects': { imports: ['api', 'catalog'] },
  'api/calibrate': { imports: ['api', 'catalog'] },
  'store/connection': { imports: ['catalog'] },
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
  notify: { imports: ['catalog', 'planning', 'store'] },
  server: { imports: ['catalog', 'planning', 'store', 'queue', 'backfill'] },
  web: { imports: ['catalog'], types: ['server'] },
  simulator: { imports: ['catalog', 'planning', 'api'] },
  config: { imports: ['catalog'] },
  commands: { imports: 'all' },
};
