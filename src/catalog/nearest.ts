import { distance } from 'fastest-levenshtein';

/** How many letters of a name may be wrong for it to be the one that was meant. */
const mostWrong = 3;

/** The name that a misspelt one comes closest to, in any case; `undefined` where none is near. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  const wanted = text.toLowerCase();
  // In a short name a few wrong letters make another name of it.
  const bearable = Math.min(mostWrong, Math.floor(wanted.length / 2));
  const [best] = names
    .map((name) => ({ name, wrong: distance(wanted, name.toLowerCase()) }))
    .filter(({ wrong }) => wrong <= bearable)
    .sort((a, b) => a.wrong - b.wrong);
  return best?.name;
}
