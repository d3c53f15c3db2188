import type { ApiVersion } from '../src/catalog/index.ts';
import type { Behaviour } from '../src/simulator/index.ts';

/** Ways in which the API may turn out to speak: what its pages leave open, each in at least one of them. */
export interface Disguise {
  readonly name: string;
  readonly version: ApiVersion;
  /** The differences from the default wire profile, as `CRYPTORACLE_WIRE` has them. */
  readonly wire?: Readonly<Record<string, string>>;
  readonly behaviour?: Partial<Behaviour>;
}

const signedBusiness = { signed: 'business' };
const signedKeyAndBusiness = { signed: 'key+business' };

/** The rules of a charging-station standard (T/CEC 102.4), whose names of the secrets the vendor uses. */
const chargingStation = {
  joined: 'values',
  sign: 'HEX',
  timestamp: 'yyyyMMddHHmmss',
  nonce: 'sequence',
  nonceName: 'seq',
};

/** The names that it gives to the fields. */
const chargingStationNames = {
  keyName: 'OperatorID',
  payload: 'Data',
  timestampName: 'TimeStamp',
  nonceName: 'Seq',
  signName: 'Sig',
};

const byRow: Partial<Behaviour> = { recordUnit: 'row', recordLimit: 500 };
const morningDays: Partial<Behaviour> = { dayStart: '08:00' };
const midnightDays: Partial<Behaviour> = { dayStart: '00:00' };
const cutting: Partial<Behaviour> = { overLimit: 'cut' };

/** The variants of v1, by likelihood; each with other habits besides. */
const sealed: readonly Disguise[] = [
  { name: '1 default', version: 'v1', behaviour: morningDays },
  { name: '2 upper hex', version: 'v1', wire: { sign: 'HEX' }, behaviour: { ...midnightDays, ...cutting } },
  {
    name: '3 timestamp in ms',
    version: 'v1',
    wire: { timestamp: 'ms' },
    behaviour: { ...byRow, ...cutting },
  },
  {
    name: '3 timestamp in s',
    version: 'v1',
    wire: { timestamp: 's' },
    behaviour: { ...morningDays, order: 'newest', emptyAnswer: 'null' },
  },
  {
    name: '3 timestamp as digits',
    version: 'v1',
    wire: { timestamp: 'yyyyMMddHHmmss' },
    behaviour: { ...byRow, emptyAnswer: '203' },
  },
  {
    name: '4 signed: key and business',
    version: 'v1',
    wire: signedKeyAndBusiness,
    behaviour: { ...morningDays, allowEmptyTags: false },
  },
  {
    name: '5 signed: business',
    version: 'v1',
    wire: signedBusiness,
    behaviour: { messageField: 'message', coinListShape: 'objects', coinKey: 'coinSymbol' },
  },
  {
    name: '6 key and business, Java lists',
    version: 'v1',
    wire: { ...signedKeyAndBusiness, lists: 'java' },
    behaviour: { ...morningDays, tagsShape: 'map' },
  },
  {
    name: '7 business, Java lists',
    version: 'v1',
    wire: { ...signedBusiness, lists: 'java' },
    behaviour: { tagsShape: 'windows', tagKey: 'tagCode', tagValueKey: 'tagValue' },
  },
  {
    name: '8 signed: key and timestamp',
    version: 'v1',
    wire: { signed: 'key+timestamp', timestamp: 'ms' },
    behaviour: { ...morningDays, innerEnvelope: true },
  },
  {
    name: '9 key and business, comma lists',
    version: 'v1',
    wire: { ...signedKeyAndBusiness, lists: 'comma', emptyLists: 'left out' },
    behaviour: { ...cutting, rangeEnd: 'inclusive' },
  },
  {
    name: '9 business, comma lists',
    version: 'v1',
    wire: { ...signedBusiness, lists: 'comma', emptyLists: 'left out' },
    behaviour: { ...morningDays, valuesAs: 'number', noValueAs: 'null' },
  },
  {
    name: '10 key inside, too',
    version: 'v1',
    wire: { keyPlace: 'both' },
    behaviour: { recordLimit: 1_000 },
  },
  {
    name: '11 signature inside',
    version: 'v1',
    wire: { signPlace: 'payload', signed: 'business' },
    behaviour: { ...morningDays, coinListFails: true },
  },
  {
    name: '12 timestamp and nonce',
    version: 'v1',
    wire: { timestamp: 'ms', nonce: 'random' },
    behaviour: { lackingTokens: 'absent', coinListUnder: 'list' },
  },
  {
    name: '13 key and signature as headers',
    version: 'v1',
    wire: { keyPlace: 'header', signPlace: 'header' },
    behaviour: { ...morningDays, ...byRow },
  },
  {
    name: '14 payload params, answer result',
    version: 'v1',
    wire: { payload: 'params', answer: 'result' },
    behaviour: { windowsField: 'timePeriods' },
  },
  {
    name: '14 payload encryptData, answer data',
    version: 'v1',
    wire: { payload: 'encryptData', answer: 'data' },
    behaviour: { ...morningDays, runningWindow: 0.3 },
  },
  { name: '14 payload encryptedData', version: 'v1', wire: { payload: 'encryptedData' } },
  { name: '14 payload bizContent', version: 'v1', wire: { payload: 'bizContent' }, behaviour: morningDays },
  { name: '14 payload content', version: 'v1', wire: { payload: 'content' } },
  { name: '14 payload requestData', version: 'v1', wire: { payload: 'requestData' }, behaviour: morningDays },
  { name: '15 hex', version: 'v1', wire: { ciphertext: 'hex' }, behaviour: { emptyAnswer: 'nothing' } },
  { name: '15 upper hex', version: 'v1', wire: { ciphertext: 'HEX' }, behaviour: morningDays },
  { name: '16 appKey', version: 'v1', wire: { keyName: 'appKey' }, behaviour: { payloadAs: 'plain' } },
  { name: '16 accessKey', version: 'v1', wire: { keyName: 'accessKey' }, behaviour: morningDays },
  { name: '16 appId', version: 'v1', wire: { keyName: 'appId' }, behaviour: { ...byRow, ...cutting } },
  { name: '17 charging stations', version: 'v1', wire: chargingStation, behaviour: morningDays },
  {
    name: '17 charging stations, with their names',
    version: 'v1',
    wire: { ...chargingStation, ...chargingStationNames },
  },
  {
    name: '18 plain, key as a header',
    version: 'v1',
    wire: { ciphertext: 'none', sign: 'none', keyName: 'X-API-KEY', keyPlace: 'header' },
    behaviour: cutting,
  },
];

/** The later versions, which leave little open. */
const plain: readonly Disguise[] = [
  { name: 'v2', version: 'v2', behaviour: morningDays },
  {
    name: 'v2, midnight days, cut short by rows',
    version: 'v2',
    behaviour: { ...midnightDays, ...byRow, ...cutting },
  },
  { name: 'v2.1', version: 'v2.1', behaviour: { ...morningDays, runningWindow: 0.3 } },
  {
    name: 'v2.1, midnight days, cut short',
    version: 'v2.1',
    behaviour: { ...midnightDays, ...cutting, recordLimit: 1_000, emptyAnswer: '203' },
  },
];

export const disguises: readonly Disguise[] = [...sealed, ...plain];
