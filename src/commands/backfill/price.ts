import { type Price, shareOf } from '../../backfill/price.ts';
import { count, duration, printJson, printTable, bytes as size, writeOut } from '../output.ts';
import { timesIn } from '../times.ts';

/** How the price of a backfill is shown. */

const unseenNotes = [
  'new tokens: the API may have no such windows of them, which then take no disk;',
  'a fill of the newest day tells which, and they are not asked for again',
];

const aloneNotes = [
  'the times do not add up: each is that of the granularity alone, and all of them share the calls of each day;',
  "'all' is what the backfill takes",
];

/** Whether the parts take as long together as one after the other, but for rounding. */
function addUp({ parts, seconds }: Price): boolean {
  const times = parts.map((part) => part.seconds);
  if (seconds === undefined) return times.every((each) => each === undefined);
  return Math.abs(times.reduce<number>((sum, each) => sum + (each ?? 0), 0) - seconds) <= 1;
}

/** How a price is printed. */
interface PriceOptions {
  readonly json?: true;
  readonly utc?: true;
}

export function printPrice(price: Price, { json, utc }: PriceOptions): void {
  if (json === true) return printJson(priceToJson(price));
  const times = timesIn(utc);
  const { parts, rate, rateFrom, budget } = price;
  const whole = { ...price, granularity: 'all', from: undefined, to: undefined, tokensUnseen: undefined };
  const lines = [...parts, whole];
  printTable(
    ['', 'windows', 'values', 'requests', `from (${times.zone})`, 'to'],
    lines.map(({ granularity, windows, values, requests, from, to }) => [
      granularity,
      count(windows),
      count(values),
      count(requests),
      times.minute(from),
      times.minute(to),
    ]),
  );
  writeOut('\n');
  const share = (requests: number) => {
    const part = shareOf(requests, budget);
    return part === undefined ? '-' : `${count(100 * part)} %`;
  };
  printTable(
    ['', 'time', 'daily budget', 'disk', 'compressed', 'new tokens'],
    lines.map(({ granularity, requests, seconds, bytes, compressedBytes, tokensUnseen }) => [
      granularity,
      seconds === undefined ? 'never' : duration(seconds),
      share(requests),
      size(bytes),
      size(compressedBytes),
      tokensUnseen === undefined ? '' : count(tokensUnseen),
    ]),
  );
  const notes = [
    `at ${rate < 10 ? rate.toFixed(1) : count(rate)} requests/s (${rateFrom})`,
    budget === undefined
      ? 'no daily budget is set (REQUESTS_PER_DAY)'
      : `history may have ${count(budget.perDay)} of the ${count(price.requestsPerDay ?? 0)} calls of a day, and ${count(budget.today)} today`,
    ...(addUp(price) ? [] : aloneNotes),
    ...(parts.some(({ tokensUnseen }) => tokensUnseen > 0) ? unseenNotes : []),
  ];
  writeOut(`\n${notes.map((note) => `${note}\n`).join('')}`);
}

function priceToJson({ parts, budget, ...price }: Price): object {
  const iso = (instant: number | undefined) =>
    instant === undefined ? null : new Date(instant).toISOString();
  const share = (requests: number) => shareOf(requests, budget) ?? null;
  return {
    granularities: parts.map((part) => ({
      ...part,
      seconds: part.seconds ?? null,
      budgetShare: share(part.requests),
      bytes: Math.round(part.bytes),
      compressedBytes: Math.round(part.compressedBytes),
      from: iso(part.from),
      to: iso(part.to),
    })),
    ...price,
    seconds: price.seconds ?? null,
    bytes: Math.round(price.bytes),
    compressedBytes: Math.round(price.compressedBytes),
    requestsPerDay: price.requestsPerDay ?? null,
    historyPerDay: budget?.perDay ?? null,
    historyToday: budget?.today ?? null,
    budgetShare: share(price.requests),
  };
}
