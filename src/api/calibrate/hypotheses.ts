import { type WireProfile, wireProfileSchema } from '../dialects/index.ts';
import type { Verdict } from './verdict.ts';

/**
 * The ways in which v1 may be dressed, and how likely each is by our judgement before anything was tried. The open
 * questions are axes; a hypothesis takes one way on each. Its likelihood is the product of theirs, so that one that
 * leaves the default on many axes is tried late.
 */

/** One way on an axis. The default of an axis has the likelihood 1. */
interface Way {
  readonly change: Partial<WireProfile>;
  readonly likelihood: number;
}

const way = (likelihood: number, change: Partial<WireProfile>): Way => ({ change, likelihood });

const digits = 'yyyyMMddHHmmss';

const payloadNames: readonly Way[] = [
  way(0.1, { payload: 'params' }),
  way(0.1, { payload: 'encryptData' }),
  way(0.08, { payload: 'encryptedData' }),
  way(0.06, { payload: 'bizContent' }),
  way(0.05, { payload: 'content' }),
  way(0.05, { payload: 'requestData' }),
];

const ciphertexts: readonly Way[] = [way(0.08, { ciphertext: 'hex' }), way(0.06, { ciphertext: 'HEX' })];

const digests: readonly Way[] = [way(0.5, { sign: 'HEX' }), way(0.03, { sign: 'base64' })];

const keys: readonly Way[] = [
  way(0.1, { keyPlace: 'both' }),
  way(0.08, { keyPlace: 'header' }),
  way(0.05, { keyName: 'appKey' }),
  way(0.05, { keyName: 'accessKey' }),
  way(0.05, { keyName: 'appId' }),
  way(0.03, { keyPlace: 'header', keyName: 'X-API-KEY' }),
];

const uniques: readonly Way[] = [
  way(0.4, { timestamp: 'ms' }),
  way(0.25, { timestamp: 's' }),
  way(0.25, { timestamp: digits }),
  way(0.1, { timestamp: 'ms', nonce: 'random' }),
  way(0.04, { timestamp: 's', nonce: 'random' }),
  way(0.04, { timestamp: digits, nonce: 'random' }),
  way(0.05, { timestamp: digits, nonce: 'sequence', nonceName: 'seq' }),
];

const signedTexts: readonly Way[] = [
  way(0.35, { signed: 'key+business' }),
  way(0.35, { signed: 'business' }),
  way(0.2, { signed: 'key+business', lists: 'java' }),
  way(0.2, { signed: 'business', lists: 'java' }),
  way(0.15, { signed: 'key+timestamp' }),
  way(0.1, { signed: 'key+business', lists: 'comma' }),
  way(0.1, { signed: 'business', lists: 'comma' }),
  way(0.05, { joined: 'values' }),
  way(0.03, { joined: 'values by key' }),
];

const signPlaces: readonly Way[] = [way(0.15, { signPlace: 'payload' }), way(0.15, { signPlace: 'header' })];

const axes = [signedTexts, digests, uniques, payloadNames, ciphertexts, keys, signPlaces] as const;

/** Most axes on which a hypothesis leaves the default, and the least likelihood of one that is looked at. */
const mostChanges = 4;
const leastLikelihood = 1e-4;

/** Each further change makes a hypothesis so much less likely: what is known first is tried one by one. */
const furtherChange = 0.4;

/** The vendor's words for secrets are those of the Chinese charging-station standard T/CEC 102.4. */
const standard: Partial<WireProfile> = {
  joined: 'values',
  timestamp: digits,
  nonce: 'sequence',
  sign: 'HEX',
};
const standardNames: Partial<WireProfile> = {
  ...standard,
  keyName: 'OperatorID',
  payload: 'Data',
  timestampName: 'TimeStamp',
  nonceName: 'Seq',
  signName: 'Sig',
};

/** Nothing signed and nothing encrypted, as later versions do. */
export const plain: Partial<WireProfile> = {
  ciphertext: 'none',
  sign: 'none',
  keyName: 'X-API-KEY',
  keyPlace: 'header',
};

/** Combinations that belong together. */
const sets: readonly Way[] = [
  way(0.1, { keyPlace: 'header', signPlace: 'header' }),
  way(0.1, { ...standard, nonceName: 'seq' }),
  way(0.05, standardNames),
  way(0.1, plain),
];

/** All hypotheses on a profile, that profile itself first. Some may contradict themselves: see {@link isPossible}. */
export function waysToDress(base: WireProfile): readonly { wire: WireProfile; likelihood: number }[] {
  const found: Way[] = [way(1, {}), ...sets];
  const extend = (from: Way, first: number, changes: number) => {
    for (const [offset, axis] of axes.slice(first).entries()) {
      for (const { change, likelihood } of axis) {
        const rarity = changes === 1 ? 1 : furtherChange;
        const next = way(from.likelihood * likelihood * rarity, { ...from.change, ...change });
        if (next.likelihood < leastLikelihood) continue;
        found.push(next);
        if (changes < mostChanges) extend(next, first + offset + 1, changes + 1);
      }
    }
  };
  extend(way(1, {}), 0, 1);
  return found.map(({ change, likelihood }) => ({ wire: { ...base, ...change }, likelihood }));
}

export const isPossible = (wire: WireProfile) => wireProfileSchema.safeParse(wire).success;

/** The order in which a server looks at the parts of a call; `one code`: whatever is wrong is a wrong signature. */
export const orders = ['payload first', 'signature first', 'one code'] as const;

export type Order = (typeof orders)[number];

/** The verdict of a server that is dressed in one way on a call that is dressed in another. */
export function verdictBetween(server: WireProfile, call: WireProfile, order: Order): Verdict {
  const isSigned = isSignatureRight(server, call);
  const isReadable = isPayloadRight(server, call);
  // A key inside of what is encrypted is looked at last.
  const last = server.keyPlace === 'both' && call.keyPlace !== 'both' ? 'key' : 'granted';
  const isKnown = isKeyRight(server, call);
  switch (order) {
    case 'payload first':
      if (!isReadable) return 'parameters';
      if (!isKnown) return 'key';
      return isSigned ? last : 'signature';
    case 'signature first':
      if (!isKnown) return 'key';
      if (!isSigned) return 'signature';
      return isReadable ? last : 'parameters';
    case 'one code':
      if (!isKnown) return 'key';
      return isSigned && isReadable ? last : 'signature';
  }
}

function isPayloadRight(server: WireProfile, call: WireProfile): boolean {
  if (server.ciphertext !== call.ciphertext) return false;
  if (server.ciphertext !== 'none' && server.payload !== call.payload) return false;
  return hasField(server, call, 'timestamp', 'timestampName') && hasField(server, call, 'nonce', 'nonceName');
}

/** A field that a server does not know does no harm. */
function hasField(
  server: WireProfile,
  call: WireProfile,
  form: 'timestamp' | 'nonce',
  name: 'timestampName' | 'nonceName',
): boolean {
  return server[form] === 'none' || (server[form] === call[form] && server[name] === call[name]);
}

function isKeyRight(server: WireProfile, call: WireProfile): boolean {
  return server.keyName === call.keyName && (server.keyPlace === 'header') === (call.keyPlace === 'header');
}

/** The time and the nonce are signed with the key and the business parameters. */
const hasSameUnique = (server: WireProfile, call: WireProfile) =>
  server.timestamp === call.timestamp && server.nonce === call.nonce;

function isSignatureRight(server: WireProfile, call: WireProfile): boolean {
  if (server.sign === 'none') return true;
  if (server.sign !== call.sign || server.signName !== call.signName) return false;
  if (server.signPlace !== call.signPlace || server.signed !== call.signed) return false;
  if (server.joined !== call.joined) return false;
  if (server.signed === 'envelope') return server.payload === call.payload;
  if (server.signed === 'key+timestamp') return server.timestamp === call.timestamp;
  if (server.lists !== call.lists) return false;
  return server.signed === 'business' || hasSameUnique(server, call);
}
