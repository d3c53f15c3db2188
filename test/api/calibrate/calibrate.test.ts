import { describe, expect, it } from 'vitest';
import {
  type Ask,
  CallsSpent,
  calibrate,
  mailFor,
  settingsOf,
  settledBy,
} from '../../../src/api/calibrate/index.ts';
import { defaultWireProfile, dialectOf, type ServerSide } from '../../../src/api/dialects/index.ts';
import { ApiFailure, kindOfCode } from '../../../src/api/failure.ts';
import { type Disguise, disguises } from './disguises.ts';

const credentials = {
  apiKey: 'cryptoracle',
  signSecret: 'cryptoracletest1',
  dataSecret: 'cryptoracletest2',
  dataIv: 'cryptoracletest3',
};
const now = Date.UTC(2026, 9, 21, 7, 28);

type Order = 'payload first' | 'signature first';

/** Refuses as the server of a disguise does; in place of 201, some look at the signature first. */
function refusalOf(
  server: ServerSide,
  call: Parameters<ServerSide['read']>[0],
  order: Order,
): number | undefined {
  const read = server.read(call, credentials, now);
  if ('business' in read) return undefined;
  const { code } = read.refusal;
  return order === 'signature first' && code === 201 ? 403 : code;
}

/** An API in a disguise that answers nothing but codes. */
function disguised({ version, wire }: Disguise, order: Order, most = 60) {
  const dialect = dialectOf(version, { ...defaultWireProfile, ...wire });
  const said: string[] = [];
  const ask: Ask = async (probe, question, why) => {
    if (said.length === most) throw new CallsSpent();
    said.push(why);
    const { path, headers, body } = dialectOf(probe.version, probe.wire).encode(question, credentials, now);
    const fail = (code: number, isStatus: boolean) => ({
      failure: new ApiFailure(kindOfCode(code), `code ${code}`, { code, isStatus }),
    });
    if (path !== `${version}/${question.call}`) return fail(404, true);
    const small = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const code = refusalOf(dialect.server, { headers: small, body }, order);
    return code === undefined ? { payload: [] } : fail(code, false);
  };
  return { ask, said };
}

describe.each(['payload first', 'signature first'] as const)('calibration, %s', (order) => {
  it.each(disguises)('finds $name', async (disguise) => {
    const { ask, said } = disguised(disguise, order);
    const { found, isCutOff } = await calibrate({ hasSecrets: true }, ask, now);
    expect([found?.version, isCutOff]).toEqual([disguise.version, false]);
    expect(said.length).toBeLessThanOrEqual(60);
    // What was found is understood by the API, as a whole: with tags and without.
    const again = await ask(
      found ?? { version: 'v1', wire: defaultWireProfile },
      {
        call: 'endpoint',
        about: { granularity: '1h', tokens: [], metrics: [], tags: [], interval: { start: 0, end: now } },
      },
      'again',
    );
    expect(again.failure).toBeUndefined();
  });

  it('takes at most 40 calls on average', async () => {
    const calls: number[] = [];
    for (const disguise of disguises) {
      const { ask, said } = disguised(disguise, order);
      await calibrate({ hasSecrets: true }, ask, now);
      calls.push(said.length);
    }
    expect(calls.reduce((sum, each) => sum + each, 0) / calls.length).toBeLessThanOrEqual(40);
    expect(Math.max(...calls)).toBeLessThanOrEqual(60);
  });
});

describe('calibration of an API that is unlike the default in more than one way', () => {
  it.each([
    { sign: 'HEX', signed: 'key+business' },
    { sign: 'HEX', signed: 'business', lists: 'java' },
    { sign: 'HEX', timestamp: 's', signed: 'key+business' },
    { payload: 'params', sign: 'HEX' },
    { payload: 'encryptData', ciphertext: 'HEX' },
    { payload: 'bizContent', timestamp: 'ms', signed: 'business' },
    { ciphertext: 'hex', sign: 'HEX', signed: 'business' },
    { keyName: 'appKey', payload: 'params' },
    { keyPlace: 'both', signed: 'key+business' },
    { keyPlace: 'header', signPlace: 'header', sign: 'HEX' },
  ] as const)('finds %j', async (wire) => {
    const { ask } = disguised({ name: '', version: 'v1', wire }, 'payload first');
    const { found } = await calibrate({ hasSecrets: true }, ask, now);
    expect(found?.version).toBe('v1');
  });

  it('says where nothing is served that the address may lack a part', async () => {
    const ask: Ask = async () => ({
      failure: new ApiFailure('transient', 'HTTP status 404', { code: 404, isStatus: true }),
    });
    const { verdicts } = await calibrate({ hasSecrets: true }, ask, now);
    expect(settledBy(verdicts)).toContain('CRYPTORACLE_BASE_URL');
  });
});

describe('calibration', () => {
  it.each(['v2', 'v2.1'] as const)('finds %s with the key alone', async (version) => {
    const { ask } = disguised({ name: '', version, wire: {} }, 'payload first');
    const calibration = await calibrate({ hasSecrets: false }, ask, now);
    expect(settingsOf(calibration)).toEqual({ CRYPTORACLE_API_VERSION: version });
  });

  it('names what of the wire profile is unlike the default', async () => {
    const { ask } = disguised({ name: '', version: 'v1', wire: { sign: 'HEX' } }, 'payload first');
    const calibration = await calibrate({ hasSecrets: true }, ask, now);
    expect(settingsOf(calibration)).toEqual({
      CRYPTORACLE_API_VERSION: 'v1',
      CRYPTORACLE_WIRE: '{"sign":"HEX"}',
    });
  });

  it('ends at the most calls there may be', async () => {
    const { ask, said } = disguised(
      { name: '', version: 'v1', wire: { lists: 'comma', signed: 'business' } },
      'payload first',
      5,
    );
    expect(await calibrate({ hasSecrets: true }, ask, now)).toMatchObject({
      found: undefined,
      isCutOff: true,
    });
    expect(said).toHaveLength(5);
  });

  it('asks the vendor about what no variant settled', async () => {
    const refuse: Ask = async () => ({
      failure: new ApiFailure('access-denied', 'code 403', { code: 403 }),
    });
    const calibration = await calibrate({ hasSecrets: true }, refuse, now);
    expect(calibration.found).toBeUndefined();
    const mail = mailFor(calibration, 'https://host/openapi', 50);
    expect(mail).toContain('Which parameters are signed');
    for (const secret of Object.values(credentials))
      expect(mail.replaceAll('cryptoracle.', '')).not.toContain(secret);
  });
});
