import type { Answer, AnsweredRow } from '../src/api/decode.ts';
import type { Catalogue, MetricKind } from '../src/catalog/index.ts';
import type { DataRequest } from '../src/planning/request.ts';
import { windowStarts } from '../src/planning/windows.ts';

const fourDigits = (from: number, to: number) =>
  Math.round((from + Math.random() * (to - from)) * 10_000) / 10_000;
const whole = (from: number, to: number) => Math.floor(from + Math.random() * (to - from));

/** Values of the same kinds as those that `load` has the database make. */
const draw: Readonly<Record<MetricKind, () => number>> = {
  rank: () => whole(1, 201),
  change: () => whole(-10, 11),
  count: () => whole(0, 3000),
  ratio: () => fourDigits(0, 1),
  difference: () => fourDigits(-1, 1),
  score: () => fourDigits(0, 1),
};

/** A whole answer to a request, with values drawn at random: for storing what nobody was asked for. */
export function inventAnswer(request: DataRequest, catalogue: Catalogue): Answer {
  const asked = new Set(request.metrics);
  const times = [...windowStarts(request.granularity, request.interval)];
  const rows: AnsweredRow[] = request.tokens.flatMap((token) =>
    times.map((time) => ({
      token,
      time,
      values: catalogue.metrics.map(({ code, kind }) => (asked.has(code) ? draw[kind]() : null)),
    })),
  );
  return {
    ...{ rows, tags: [], rejects: [], moreRejects: 0, absentCells: 0, windowsBeside: 0 },
    values: rows.length * asked.size,
    windows: rows.length,
  };
}
