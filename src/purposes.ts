/** What a call is for, by its lane, in the words that people read on the page and in stories. */
export const purposes = {
  live: 'newest windows',
  repair: 'holes of the last days',
  lookback: 'asked again',
  history: 'history',
  audit: 'audit',
} as const;
