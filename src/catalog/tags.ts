/** The descriptive labels the API attaches to a token or its communities; they change at most daily. */

interface TagEntry {
  /** The API's code, as sent in `tags`. */
  readonly code: string;
  readonly name: string;
  /** The thing that the label describes. */
  readonly subject: 'token' | 'community';
  readonly meaning: string;
}

export const tags = [
  {
    code: 'CO-B-01-01',
    name: 'market_cap_tier',
    subject: 'token',
    meaning: 'Size class by market capitalisation and volatility: whale, major, mid-cap, micro, stablecoin',
  },
  {
    code: 'CO-B-01-03',
    name: 'consensus_mechanism',
    subject: 'token',
    meaning: "Main consensus algorithm of the token's chain",
  },
  {
    code: 'CO-B-01-04',
    name: 'ecosystem',
    subject: 'token',
    meaning: 'Primary domain of the project and its secondary scenarios',
  },
  {
    code: 'CO-B-03-01',
    name: 'community_scale',
    subject: 'community',
    meaning: 'Size class of the communities by members',
  },
  {
    code: 'CO-B-03-05',
    name: 'speech_distribution',
    subject: 'community',
    meaning: 'Whether few voices or many write the content',
  },
  {
    code: 'CO-B-03-06',
    name: 'active_timezone',
    subject: 'community',
    meaning: 'Regional time zone in which members are most active',
  },
] as const satisfies readonly TagEntry[];

export type Tag = (typeof tags)[number];
export type TagCode = Tag['code'];

export const tagCodes: readonly TagCode[] = tags.map((tag) => tag.code);

export function isTagCode(text: string): text is TagCode {
  return (tagCodes as readonly string[]).includes(text);
}

/** Accepts a code (`CO-B-01-04`) or a name (`ecosystem`), in any case. */
export function findTag(text: string): Tag | undefined {
  const wanted = text.toLowerCase();
  return tags.find((tag) => tag.code.toLowerCase() === wanted || tag.name === wanted);
}
