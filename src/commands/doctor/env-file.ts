import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** A line of `.env`. A value that the shell or the file's readers would take apart stands in single quotes. */
export function envLine(name: string, value: string): string {
  return /^[\w.:/-]+$/.test(value) ? `${name}=${value}` : `${name}='${value}'`;
}

/** The text of a `.env` with these settings: a line that is there is replaced, others are added, all else is kept. */
export function withSettings(text: string, settings: Readonly<Record<string, string>>): string {
  const left = new Map(Object.entries(settings));
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const kept = lines.flatMap((line) => {
    const [, name = ''] = /^\s*(?:export\s+)?([A-Z0-9_]+)\s*=/.exec(line) ?? [];
    if (settings[name] === undefined) return [line];
    const value = left.get(name);
    left.delete(name);
    // The last of several counts; one is enough.
    return value === undefined ? [] : [envLine(name, value)];
  });
  return [...kept, ...[...left].map(([name, value]) => envLine(name, value)), ''].join('\n');
}

/** Puts settings into the file; one that is new can be read by its owner only, for secrets will stand in it. */
export function writeSettings(path: string, settings: Readonly<Record<string, string>>): void {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  writeFileSync(path, withSettings(before, settings), { mode: 0o600 });
}
