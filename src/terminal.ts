/**
 * What others wrote, shown safely: the API, the database and the environment may hold characters that move a terminal's
 * cursor, change its title or turn the direction of text, and so make a line say what it does not. They are shown as
 * escapes. The one place that decides which these are; pure.
 */

/** C0 and C1 controls and DEL, but for the line feed and the tab that our own layout is made of. */
const controls = '\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f';

/** Marks, embeddings, overrides and isolates of direction; invisible characters; line and paragraph separators. */
const invisible = '\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb';

const unsafe = new RegExp(`[${controls}${invisible}]|\\p{Surrogate}|[\\u{e0000}-\\u{e007f}]`, 'gu');

const escaped = (character: string) => {
  const point = character.codePointAt(0) ?? 0;
  const hex = point.toString(16);
  return point > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
};

/** A text of several lines, as it may be written to a terminal. */
export function visible(text: string): string {
  return text.replace(unsafe, escaped);
}

/** A text that is to stay on its line: line feeds and tabs in it are escaped, too. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** JSON whose strings hold none of these characters; it stands for the same value. */
export function visibleJson(json: string): string {
  return json.replace(unsafe, (character) =>
    Array.from(
      { length: character.length },
      (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** A line of JSON such that what a person is shown of its strings is {@link visibleLine}. */
export function visibleJsonLine(line: string): string {
  // Escapes of controls become the text of these escapes; those of quotes and backslashes stay what they are.
  const shown = line.replace(/\\(?:u[0-9a-fA-F]{4}|.)/g, (sequence) =>
    /^\\["\\/]/.test(sequence) ? sequence : `\\${sequence}`,
  );
  return shown.replace(unsafe, (character) => `\\${escaped(character)}`);
}
