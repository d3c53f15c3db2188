import type { Verdict } from './verdict.ts';
import type { QueueKind } from './world.ts';

interface Row {
  readonly tried: Record<QueueKind, number>;
  lost: number;
  wrong: number;
  repeated: number;
  gaps: number;
  complaints: number;
  cells: number;
}

/** Adds up what faults cost, for a table in Markdown. */
export class Tally {
  readonly #rows = new Map<string, Row>();
  readonly #order: readonly string[];

  /** @param order names of faults, in the order of the table */
  constructor(order: readonly string[]) {
    this.#order = order;
  }

  add(fault: string, queue: QueueKind, verdict: Verdict): void {
    const row = this.#rows.get(fault) ?? {
      ...{ tried: { Redis: 0, PostgreSQL: 0 }, lost: 0, wrong: 0, repeated: 0 },
      ...{ gaps: 0, complaints: 0, cells: 0 },
    };
    row.tried[queue]++;
    for (const name of ['lost', 'wrong', 'repeated', 'gaps', 'cells'] as const) row[name] += verdict[name];
    row.complaints += verdict.complaints.length;
    this.#rows.set(fault, row);
  }

  /** Whether nothing was lost, wrong, repeated or missing, and no process gave up. */
  get isClean(): boolean {
    return [...this.#rows.values()].every(
      ({ lost, wrong, repeated, gaps, complaints }) => lost + wrong + repeated + gaps + complaints === 0,
    );
  }

  /** @param before a table from earlier, whose rows stay where their faults were not tried now */
  table(before = ''): string {
    const head = ['fault', 'tried, queue in Redis', 'in PostgreSQL', 'cells compared']
      .concat(['lost', 'wrong', 'written twice', 'gaps left', 'crashes'])
      .join(' | ');
    const lines = new Map(before.split('\n').map((line) => [line.split(' | ')[0]?.slice(2), line]));
    for (const [fault, row] of this.#rows) lines.set(fault, `| ${cellsOf(fault, row).join(' | ')} |`);
    const known = this.#order.flatMap((fault) => lines.get(fault) ?? []);
    return [`| ${head} |`, `|${' --- |'.repeat(9)}`, ...known, ''].join('\n');
  }
}

const cellsOf = (fault: string, row: Row): readonly (string | number)[] => [
  ...[fault, row.tried.Redis, row.tried.PostgreSQL, row.cells.toLocaleString('en-US')],
  ...[row.lost, row.wrong, row.repeated, row.gaps, row.complaints],
];
