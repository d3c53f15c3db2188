import pLimit from 'p-limit';
import { systemClock } from '../../src/clock.ts';
import { AnswerWriter } from '../../src/store/answers/writer.ts';
import { Database } from '../../src/store/connection/database.ts';
import { copyRows, countChanges, countValues, takeRows } from '../copy.ts';
import { median, rate, speedRatio, thousands } from '../figure.ts';
import type { DecodedAnswer } from '../recorder/index.ts';
import type { Bench, World } from '../world.ts';

/** Answers that wait to be stored at the same time, as with FETCH_CONCURRENCY=16. */
export const atATime = 16;

/** Stores all, on connections that are closed afterwards, for only then do they report what they changed. @returns milliseconds */
async function timeToStore(url: string, answers: readonly DecodedAnswer[]): Promise<number> {
  const database = new Database(url, { connections: atATime });
  try {
    await Promise.all(answers.slice(0, atATime).map(() => database.pool.query('select')));
    const limit = pLimit(atATime);
    const writer = new AnswerWriter(database);
    const started = performance.now();
    await Promise.all(answers.map((each) => limit(() => storeOne(writer, each))));
    return performance.now() - started;
  } finally {
    await database.close();
  }
}

/** Stores an answer as the program does, with a call in the log. */
export function storeOne(writer: AnswerWriter, { request, answer }: DecodedAnswer) {
  const now = systemClock.now();
  return writer.store({
    ...{ request, rows: answer.rows, tags: answer.tags, rejects: answer.rejects },
    receivedAt: now,
    observedFrom: now,
    log: {
      ...{ what: 'values', lane: 'history', granularity: request.granularity, interval: request.interval },
      ...{ tokens: request.tokens, metrics: request.metrics, outcome: 'answered', code: 200 },
      ...{ milliseconds: 300, records: answer.values, at: now },
    },
  });
}

interface Round {
  readonly first: number;
  readonly repeat: number;
  readonly copied: number;
  /** Rows that the repeat changed or removed. */
  readonly changes: number;
  readonly values: number;
}

/** Milliseconds of everything that is compared, one after the other in a database of its own. */
async function compare(world: World, answers: readonly DecodedAnswer[]): Promise<Round> {
  const database = await world.database();
  const first = await timeToStore(database.url, answers);
  const values = await countValues(database);
  const before = await countChanges(database);
  const repeat = await timeToStore(database.url, answers);
  const changes = (await countChanges(database)) - before;
  const copied = await copyRows(database, await takeRows(database));
  return { first, repeat, copied, changes, values };
}

export const store: Bench = {
  name: 'store',
  about: 'answers stored with ledger, log and revisions, against COPY of the same rows',
  needsDatabase: true,
  async run(world) {
    const recorder = await world.recorder();
    const answers = await recorder.answers(world.tokens, world.size.days);
    // A worker runs for weeks: the time in which its code is compiled does not count.
    await compare(world, answers);
    const rounds: Round[] = [];
    for (let round = 0; round < world.size.rounds; round++) rounds.push(await compare(world, answers));
    const middle = (of: (round: Round) => number) => median(rounds.map(of));
    const values = middle((round) => round.values);
    return [
      {
        ...{ name: 'store ÷ COPY', value: middle((round) => speedRatio(round.first, round.copied)) },
        ...{ unit: '×', goal: { atLeast: 0.5 } },
        detail: `${thousands(values)} values: ${rate(
          values,
          middle(({ first }) => first),
        )}, COPY ${rate(
          values,
          middle(({ copied }) => copied),
        )}`,
      },
      {
        name: 'unchanged repeat ÷ first write',
        ...{ value: middle((round) => speedRatio(round.repeat, round.first)), unit: '×' },
        goal: { atLeast: 1.5 },
        detail: rate(
          values,
          middle(({ repeat }) => repeat),
        ),
      },
      {
        ...{
          name: 'dead rows that the repeat leaves',
          value: Math.max(...rounds.map(({ changes }) => changes)),
        },
        ...{ unit: 'rows', goal: { atMost: 0 }, detail: `${thousands(answers.length)} answers stored again` },
      },
    ];
  },
};
