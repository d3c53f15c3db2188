import { beijingOffset, formatBeijing } from '../beijing.ts';
import { purposes } from '../purposes.ts';

/**
 * Numbers, instants and spans as people read them; pure. Without `Intl`: the first use of it in a page loads its tables,
 * which takes a browser longer than all else until the first view.
 */

const minute = 60_000;

/** Minutes that Beijing is ahead of UTC. */
const beijingMinutes = beijingOffset / minute;

/** Minutes that the viewer's clock is ahead of UTC at an instant. */
const viewersMinutes = (instant: string | number) => -new Date(instant).getTimezoneOffset();

/** Whether the viewer's clock shows the same as Beijing's at an instant. */
export const isBeijing = (instant: string | number) => viewersMinutes(instant) === beijingMinutes;

export const inBeijing = (instant: string | number) =>
  formatBeijing(new Date(instant).getTime()).slice(0, 16);

export const inViewersZone = (instant: string | number) =>
  inBeijing(new Date(instant).getTime() + (viewersMinutes(instant) - beijingMinutes) * minute);

/** How far the viewer's clock is ahead of UTC at an instant, such as 'UTC+2' or 'UTC-3:30'. */
export function viewersZone(instant: string | number): string {
  const minutes = viewersMinutes(instant);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

export const beijingDate = (instant: string | number) => inBeijing(instant).slice(0, 10);

/** Start of a Beijing day such as 2025-06-01, as an instant in ISO 8601. */
export const beijingMidnight = (date: string) => `${date}T00:00:00+08:00`;

/** Commas between thousands, in a number without an exponent. */
function grouped(number: number): string {
  const [whole = '', decimals] = String(number).split('.');
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return decimals === undefined ? thousands : `${thousands}.${decimals}`;
}

export const count = (number: number) => grouped(Math.round(number));

/** A value with as many decimals as tell something. */
export function decimal(value: number | null): string {
  if (value === null) return '–';
  if (Number.isInteger(value)) return count(value);
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(4).replace(/0+$/, '');
}

export const signed = (value: number, digits = 0) =>
  `${value > 0 ? '+' : ''}${grouped(Number(value.toFixed(digits)))}`;

/** Never rounds up to 100 %: full means full. */
export const percent = (share: number) => `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;

export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return `${(size / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** A span of seconds in its two largest units, such as '2 h 5 min'. */
export function span(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return both(`${hours} h`, minutes % 60, 'min');
  return both(`${Math.floor(hours / 24)} d`, hours % 24, 'h');
}

const both = (larger: string, smaller: number, unit: string) =>
  smaller === 0 ? larger : `${larger} ${smaller} ${unit}`;

/** How long ago, or how far ahead, an instant is. */
export function relative(instant: string, now: string): string {
  const seconds = (Date.parse(now) - Date.parse(instant)) / 1000;
  return seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}

/** What a call was for, from its lane. */
export const purpose = (lane: string) => (lane in purposes ? purposes[lane as keyof typeof purposes] : lane);

/** How far the viewer's clock is from Beijing's at an instant, such as '7 h behind'; `undefined` where they agree. */
export function fromBeijing(instant: number): string | undefined {
  const minutes = viewersMinutes(instant) - beijingMinutes;
  if (minutes === 0) return undefined;
  return `${span(Math.abs(minutes) * 60)} ${minutes < 0 ? 'behind' : 'ahead'}`;
}
