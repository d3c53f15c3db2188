import { readFileSync } from 'node:fs';

/**
 * Loaded into a process before the program: its clock differs from the machine's by the milliseconds that a file names,
 * as after somebody has set the time. Timers go on as they do then.
 */
const file = process.env.CHAOS_CLOCK_FILE;
const RealDate = Date;
let skew = 0;

function readSkew(): void {
  if (file === undefined) return;
  try {
    skew = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    skew = 0;
  }
}

const now = () => RealDate.now() + skew;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
readSkew();
setInterval(readSkew, 50).unref();
