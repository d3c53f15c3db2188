import { InvalidArgumentError } from 'commander';
import { parseBeijing } from '../beijing.ts';
import {
  type Catalogue,
  type Granularity,
  granularities,
  isGranularity,
  isToken,
  type MetricCode,
  type Token,
} from '../catalog/index.ts';
import { systemClock } from '../clock.ts';
import { isAll, splitList } from '../config/values.ts';
import { UserError } from '../errors.ts';
import { relativeInstant } from './when.ts';

/** How the commands read their options; a mistake is one line that names the option. */

/** Parts of a second, behind the seconds; the program prints them. */
const fractionPattern = /(?<=:\d\d:\d\d)\.(\d{1,9})$/;

/** How a zone is written, after a time of day. */
const zonePattern = /(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))$/;

/** A Beijing date, an instant with a zone of its own, or one said from now (`yesterday`, `-7d`). */
export function parseInstant(text: string): number {
  const trimmed = text.trim();
  const relative = relativeInstant(trimmed, systemClock.now());
  if (relative !== undefined) return relative;
  const [zone = '', sign, hours = '0', minutes = '0'] = zonePattern.exec(trimmed) ?? [];
  const wallClock = trimmed.slice(0, trimmed.length - zone.length);
  const isZoned = zone !== '' && wallClock.includes(':');
  const local = isZoned ? wallClock : trimmed;
  const [, fraction = ''] = fractionPattern.exec(local) ?? [];
  const beijing = parseBeijing(local.replace(fractionPattern, ''));
  if (beijing === undefined) {
    throw new InvalidArgumentError(
      `'${text}' is no date such as 2025-01-31 (Beijing), 2025-01-31T08:00:00Z, yesterday or -7d.`,
    );
  }
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3));
  return (isZoned ? beijing + 8 * 3_600_000 - offset : beijing) + milliseconds;
}

function items(text: string): string[] {
  const found = splitList(text);
  if (found.length === 0) throw new InvalidArgumentError('The list is empty.');
  return found;
}

export function parseGranularities(text: string): readonly Granularity[] {
  if (isAll(text)) return granularities;
  return parseItems(text, (item) => {
    if (!isGranularity(item)) {
      throw new InvalidArgumentError(`Unknown granularity '${item}'; there are ${granularities.join(', ')}.`);
    }
    return item;
  });
}

export function parseTokens(text: string): readonly Token[] | 'all' {
  if (isAll(text)) return 'all';
  return parseItems(text, (item) => {
    if (!isToken(item)) throw new InvalidArgumentError(`'${item}' is no token.`);
    return item;
  });
}

/** Metrics as they were named. Which there are is known once the settings have been read: see {@link chosenMetrics}. */
export type NamedMetrics = readonly string[] | 'all';

export function parseMetrics(text: string): NamedMetrics {
  return isAll(text) ? 'all' : parseItems(text, (item) => item);
}

/**
 * The metrics that `--metric` names by code or column, each once.
 * @param where the option or argument that names them
 * @throws UserError naming the first that the catalogue does not have
 */
export function chosenMetrics(
  named: NamedMetrics,
  catalogue: Catalogue,
  where = '--metric',
): readonly MetricCode[] {
  if (named === 'all') return catalogue.codes;
  const codes = named.map((name) => {
    const metric = catalogue.find(name);
    if (metric !== undefined) return metric.code;
    const near = catalogue.nearest(name);
    const hint =
      near === undefined ? 'cryptoracle.metric_catalog lists codes and columns' : `did you mean ${near}?`;
    throw new UserError(`${where}: unknown metric '${name}' (${hint})`);
  });
  return [...new Set(codes)];
}

export function parsePositive(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError(`'${text}' is no whole number of at least 1.`);
  }
  return number;
}

export function parseHost(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('An address is missing.');
  return text.trim();
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError(`'${text}' is no port between 0 and 65535.`);
  }
  return port;
}

/** A list with commas, of what each item means. */
export function parseItems<T>(text: string, read: (item: string) => T): T[] {
  return [...new Set(items(text).map(read))];
}
