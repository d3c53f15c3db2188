import { pino } from 'pino';
import { viewNames } from '../../../src/store/setup/views/index.ts';

/**
 * Who may do what, in the order of `\dp`. Whoever widens a right changes it in two places, here and in the program, and
 * has a reason for it.
 */
const expected: Readonly<Record<string, { readonly reader?: string; readonly worker?: string }>> = {
  'schema cryptoracle': { reader: 'usage', worker: 'usage' },
  'cryptoracle.backfills': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.breaker': { reader: 'select', worker: 'delete, insert, select, update' },
  'cryptoracle.coverage': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.doubted_lists': { reader: 'select', worker: 'delete, insert, select, update' },
  'cryptoracle.dropped': { reader: 'select', worker: 'delete, insert, select, update' },
  'cryptoracle.entitlements': { reader: 'select', worker: 'delete, insert, select, update' },
  'cryptoracle.events': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.facts': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.metric_catalog': { reader: 'select' },
  'cryptoracle.metrics_15m': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.metrics_1d': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.metrics_1h': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.metrics_4h': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.migrations': { worker: 'select' },
  'cryptoracle.notifications': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.pace': { worker: 'insert, select, update' },
  'cryptoracle.quality_rules': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.quarantine': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.quality_due': { worker: 'delete, insert, select' },
  'cryptoracle.quality_notes': { reader: 'select', worker: 'delete, insert, select, update' },
  'cryptoracle.refreshed': { worker: 'delete, insert, select, update' },
  'cryptoracle.requests': { reader: 'select', worker: 'insert, select' },
  'cryptoracle.retire()': { worker: 'execute' },
  'cryptoracle.revisions': { reader: 'select', worker: 'insert, select' },
  'cryptoracle.stored_days': { worker: 'insert, select, update' },
  'cryptoracle.suspects': { reader: 'select', worker: 'delete, insert, select, update' },
  'cryptoracle.tag_catalog': { reader: 'select' },
  'cryptoracle.token_tags': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.tokens': { reader: 'select', worker: 'insert, select, update' },
  'cryptoracle.wanted': { reader: 'select', worker: 'delete, insert, select, update' },
  // People read every view, and nobody writes through one.
  ...Object.fromEntries(viewNames.map((view) => [`cryptoracle.${view}`, { reader: 'select' }])),
};

export function expectedOf(column: 'reader' | 'worker'): Record<string, string> {
  const rights = Object.entries(expected).map(([name, { [column]: right }]) => [name, right]);
  return Object.fromEntries(rights.filter(([, right]) => right !== undefined));
}

/** A logger that keeps its warnings. */
export function recorder() {
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).msg) });
  return { warnings, log };
}
