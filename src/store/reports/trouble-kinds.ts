/** Kinds of trouble, those first that explain the others. */
export const troubleKinds = [
  'access',
  'queue',
  'api',
  'database',
  'clock',
  'stalled',
  'disk',
  'nothing yet',
  'late',
  'few tokens',
  'token list',
  'history paused',
  'suspect',
  'dropped here',
] as const;

export type TroubleKind = (typeof troubleKinds)[number];
