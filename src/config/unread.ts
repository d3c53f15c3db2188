import { distance } from 'fastest-levenshtein';

/** Finds variables that somebody meant to be settings: nobody reads them, so that they would do nothing in silence. */

/** A variable that is set and is no setting. */
export interface UnreadSetting {
  readonly name: string;
  /** The setting that was probably meant. */
  readonly near: string | undefined;
  /** Why it is needed no more; of settings that there were once. */
  readonly retired?: string;
}

/** Settings that there were once, and why they are needed no more. */
const retired: Readonly<Record<string, string>> = {
  RANGE_END:
    'every range is asked for until its last second, which means the same whether or not the API counts the end in',
};

/** How many letters of a name may be wrong. In a short name more than one makes another word of it. */
const mostWrong = (name: string) => (name.length < 8 ? 1 : 2);

/**
 * @param set names of all variables of the environment, most of which are other programs'
 * @param known names that are read
 */
export function findUnread(set: Iterable<string>, known: readonly string[]): UnreadSetting[] {
  return [...set].flatMap((name) => {
    if (known.includes(name)) return [];
    const reason = retired[name];
    if (reason !== undefined) return [{ name, near: undefined, retired: reason }];
    const near = nearest(name, known);
    return near !== undefined || name.startsWith('CRYPTORACLE_') ? [{ name, near }] : [];
  });
}

/** The known name that a misspelt one comes closest to, whatever its case and with or without our prefix. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const bare = (text: string) => text.toUpperCase().replace(/^CRYPTORACLE_/, '');
  // A variable without our prefix may be another program's: only with it does `API_KEY` mean ours.
  const isOurs = name.toUpperCase().startsWith('CRYPTORACLE_');
  const [best] = known
    .map((each) => ({
      name: each,
      wrong: isOurs ? distance(bare(name), bare(each)) : distance(name.toUpperCase(), each),
    }))
    .filter(({ name: each, wrong }) => wrong <= mostWrong(each))
    .sort((a, b) => a.wrong - b.wrong);
  return best?.name;
}

/** One line about each, for a person. */
export function describeUnread({ name, near, retired: reason }: UnreadSetting): string {
  if (reason !== undefined) return `${name} is no longer needed: ${reason}; remove it`;
  return near === undefined
    ? `${name} is set, and no such setting exists; .env.example names them all`
    : `${name} is set, and no such setting exists; did you mean ${near}?`;
}
