/** The metrics as the vendor lists them, written out by hand: what the catalogue, the tables and the answers are compared with. */

/** The vendor's list: code, column, kind, unit, least and most sensible value; versions of the API that have it. */
export const listedMetrics = [
  ['CO-A-01-01', 'mention_rank', 'rank', 'position', 1, null, 'v1'],
  ['CO-A-01-02', 'mention_rank_change', 'change', 'positions', null, null, 'v1'],
  ['CO-A-01-03', 'message_count', 'count', 'messages', 0, null, 'v1 v2 v2.1'],
  ['CO-A-01-04', 'interaction_count', 'count', 'interactions', 0, null, 'v1 v2.1'],
  ['CO-A-01-05', 'mention_count', 'count', 'mentions', 0, null, 'v1 v2.1'],
  ['CO-A-01-07', 'unique_user_count', 'count', 'users', 0, null, 'v1 v2.1'],
  ['CO-A-01-08', 'community_count', 'count', 'communities', 0, null, 'v1 v2.1'],
  ['CO-A-01-09', 'mention_share', 'ratio', '1', 0, 1, 'v1'],
  ['CO-A-02-01', 'positive_ratio', 'ratio', '1', 0, 1, 'v1 v2 v2.1'],
  ['CO-A-02-02', 'negative_ratio', 'ratio', '1', 0, 1, 'v1 v2 v2.1'],
  ['CO-A-02-03', 'net_sentiment', 'difference', '1', -1, 1, 'v1 v2 v2.1'],
  ['CO-A-02-04', 'extreme_sentiment_ratio', 'ratio', '1', 0, 1, 'v1'],
  ['CO-A-02-05', 'sentiment_consensus', 'score', '1', null, null, 'v1'],
  ['CO-S-01-01', 'sentiment_momentum', 'score', '1', null, null, 'v2 v2.1'],
  ['CO-S-01-02', 'sentiment_drift', 'score', '1', null, null, 'v2 v2.1'],
  ['CO-S-01-03', 'sentiment_breakout', 'score', '1', null, null, 'v2 v2.1'],
  ['CO-S-01-05', 'sentiment_price_gap', 'score', '1', null, null, 'v2.1'],
] as const;

/** SHA-256 of what the vendor says that they mean, a line each: code, tab, meaning. */
export const meaningsDigest = 'bda475922d48eeb3234bce2f8f867b40a8b6e015c605894bc570dd3b0c368883';
