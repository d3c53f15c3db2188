import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encrypt } from '../../src/api/dialects/cipher.ts';
import { seal } from '../../src/api/dialects/seal.ts';
import { sign } from '../../src/api/dialects/signature.ts';
import { defaultWireProfile, type WireProfile } from '../../src/api/dialects/wire.ts';
import { type Simulator, sampleCredentials, startSimulator } from '../../src/simulator/index.ts';
import { ask, beijing, business, post, StoppedClock } from './ask.ts';

const now = beijing('2025-06-02 00:00:00');
const clock = new StoppedClock(now);

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ clock });
});
afterAll(() => simulator.close());

function sealed(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...seal(business(changes), sampleCredentials, defaultWireProfile, { now, nonce: '' }).body };
}

/**
 * Made with OpenSSL 3, key and IV `cryptoracletest1`:
 * `openssl enc -aes-128-cbc -K … -iv … -base64 -A`, `openssl dgst -md5 -hmac cryptoracletest1`.
 */
const vector = {
  base64:
    'RMUUpHFOi1/v3NYgvrxupYw+CPavmsGY1Oce6tYBu4kbHf7H9kuCel7weq7LdVW8ZyObHknKi8/BTWIVa+secBTKr7cPG3ng0N5nxnZ7X+4zlQA8LbY6cRFlHX3Xv4VIaGF8ywUvqH+K+UPwPkcdwDdhdMN7wL10aKMWAswn8iTG9tV+UpJWYbW6hnmHda+9',
  hex: '44c514a4714e8b5fefdcd620bebc6ea58c3e08f6af9ac198d4e71eead601bb891b1dfec7f64b827a5ef07aaecb7555bc67239b1e49ca8bcfc14d62156beb1e7014caafb70f1b79e0d0de67c6767b5fee3395003c2db63a7111651d7dd7bf854868617ccb052fa87f8af943f03e471dc0376174c37bc0bd7468a31602cc27f224c6f6d57e52925661b5ba86798775afbd',
  /** Over `apiKey=cryptoracle&data=…`, the ciphertext in base64. */
  signedEnvelope: '5e046ccb2dcdd30ec3890740d12ebd0b',
  /** Over `apiKey=cryptoracle&payload=…&timestamp=1748736000`, the ciphertext in hexadecimal. */
  signedWithTime: { hex: 'ccd50ea35356178288de3731e1305698', base64: 'zNUOo1NWF4KI3jcx4TBWmA==' },
  /** Over the business parameters, lists as compact JSON. */
  signedBusiness: '3fa0e930c87090ce1c18bd013900efb8',
};

describe('requests made with openssl', () => {
  async function codeOf(wire: Partial<WireProfile>, envelope: object, instant = now): Promise<unknown> {
    const other = await startSimulator({
      clock: new StoppedClock(instant),
      wire: { ...defaultWireProfile, ...wire },
    });
    try {
      return (await post(other, JSON.stringify(envelope))).code;
    } finally {
      await other.close();
    }
  }
  const apiKey = 'cryptoracle';
  const seconds = 1_748_736_000;

  it('are accepted in the default profile', async () => {
    const body = { apiKey, data: vector.base64, sign: vector.signedEnvelope };
    expect(await codeOf({}, body)).toBe(200);
    expect(await codeOf({}, { ...body, sign: vector.signedEnvelope.toUpperCase() })).toBe(403);
  });

  it('are accepted in hexadecimal, under another name, with a timestamp', async () => {
    const wire = { payload: 'payload', ciphertext: 'hex', timestamp: 's' } as const;
    const body = { apiKey, payload: vector.hex, timestamp: seconds };
    const { hex, base64 } = vector.signedWithTime;
    const instant = seconds * 1_000;
    expect(await codeOf({ ...wire, sign: 'hex' }, { ...body, sign: hex }, instant)).toBe(200);
    expect(await codeOf({ ...wire, sign: 'HEX' }, { ...body, sign: hex.toUpperCase() }, instant)).toBe(200);
    expect(await codeOf({ ...wire, sign: 'HEX' }, { ...body, sign: hex }, instant)).toBe(403);
    expect(await codeOf({ ...wire, sign: 'base64' }, { ...body, sign: base64 }, instant)).toBe(200);
  });

  it('are accepted where the business parameters are signed', async () => {
    const body = { apiKey, data: vector.base64, sign: vector.signedBusiness };
    expect(await codeOf({ signed: 'business' }, body)).toBe(200);
    expect(await codeOf({ signed: 'business' }, { ...body, sign: vector.signedEnvelope })).toBe(403);
  });
});

describe('the wire profile', () => {
  const profiles: Partial<WireProfile>[] = [];
  for (const ciphertext of ['base64', 'hex'] as const) {
    for (const sign of ['hex', 'HEX', 'base64'] as const) {
      for (const timestamp of ['none', 'ms', 's'] as const) {
        for (const signed of ['envelope', 'business'] as const) {
          profiles.push({ ciphertext, sign, timestamp, signed, payload: 'body' });
        }
      }
    }
  }

  it.each(profiles)(
    'is honoured: $ciphertext, $sign, timestamp $timestamp, signed $signed',
    async (parts) => {
      const wire = { ...defaultWireProfile, ...parts };
      const other = await startSimulator({ clock, wire });
      try {
        const answered = await ask(other, business(), { wire, now });
        expect(answered.code).toBe(200);
        expect(answered.payload).toHaveLength(1);
      } finally {
        await other.close();
      }
    },
  );

  it('wants a timestamp within 5 minutes where it has one', async () => {
    const wire: WireProfile = { ...defaultWireProfile, timestamp: 'ms' };
    const other = await startSimulator({ clock, wire });
    try {
      const codeAt = async (instant: number) => (await ask(other, business(), { wire, now: instant })).code;
      expect(await codeAt(now - 299_000)).toBe(200);
      expect(await codeAt(now + 299_000)).toBe(200);
      expect(await codeAt(now - 301_000)).toBe(201);
      expect(await codeAt(now + 301_000)).toBe(201);
      expect((await ask(other, business())).code).toBe(201);
    } finally {
      await other.close();
    }
  });
});

describe('the envelope', () => {
  it.each([
    ['no JSON', 'token=BTC'],
    ['no object', '["BTC"]'],
    ['empty', ''],
    ['an empty object', '{}'],
  ])('is refused with 201 where the body is %s', async (_, body) => {
    const answered = await post(simulator, body);
    expect(answered).toMatchObject({ status: 200, code: 201 });
    expect(Object.keys(JSON.parse(answered.text))).toEqual(['code', 'msg']);
  });

  it.each([
    ['apiKey', 202],
    ['data', 201],
    ['sign', 403],
  ])('is refused where %s is missing or no text, with %i', async (field, code) => {
    const { [field]: _, ...rest } = sealed();
    expect((await post(simulator, JSON.stringify(rest))).code).toBe(code);
    for (const value of ['', 7, null, ['x']]) {
      expect((await post(simulator, JSON.stringify({ ...rest, [field]: value }))).code).toBe(code);
    }
  });

  it('is refused with 202 where the key is unknown, whatever the signature', async () => {
    expect((await post(simulator, JSON.stringify({ ...sealed(), apiKey: 'other' }))).code).toBe(202);
  });

  it('is refused with 403 where the signature is wrong', async () => {
    const credentials = { ...sampleCredentials, signSecret: 'wrong' };
    expect((await ask(simulator, business(), { credentials })).code).toBe(403);
    expect((await post(simulator, JSON.stringify({ ...sealed(), extra: 1 }))).code).toBe(403);
  });

  it('is refused with 201 where the payload cannot be decrypted', async () => {
    const credentials = { ...sampleCredentials, dataSecret: 'cryptoracletest2' };
    expect((await ask(simulator, business(), { credentials })).code).toBe(201);
    for (const data of ['not base64!', encrypt('no JSON', sampleCredentials, 'base64')]) {
      const unsigned = { apiKey: sampleCredentials.apiKey, data };
      const signature = sign(unsigned, sampleCredentials.signSecret, defaultWireProfile);
      expect((await post(simulator, JSON.stringify({ ...unsigned, sign: signature }))).code).toBe(201);
    }
  });

  it('is refused with 201 where the content type is not JSON', async () => {
    const response = await fetch(`${simulator.url}/v1/endpoint`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: JSON.stringify(sealed()),
    });
    expect(await response.json()).toMatchObject({ code: 201 });
  });
});

describe('the path', () => {
  it.each(['/v1/endpoints', '/v2/endpoint', '/endpoint', '/v1/coin', '/v1/endpoint/'])(
    'is 404 at %s',
    async (path) => {
      expect((await post(simulator, JSON.stringify(sealed()), path)).status).toBe(404);
    },
  );

  it('is 405 for other methods than POST', async () => {
    expect((await fetch(`${simulator.url}/v1/endpoint`)).status).toBe(405);
  });

  it('can have another version', async () => {
    const other = await startSimulator({ clock, apiVersion: 'v2' });
    try {
      const headers = { 'X-API-KEY': sampleCredentials.apiKey };
      const asked = JSON.stringify(business({ endpoints: ['CO-A-02-01'] }));
      expect((await post(other, asked, '/v2/endpoint', headers)).code).toBe(200);
      expect((await post(other, asked, '/v1/endpoint', headers)).status).toBe(404);
    } finally {
      await other.close();
    }
  });
});

describe('the business parameters', () => {
  const wrong: [string, Record<string, unknown>][] = [
    ['token missing', { token: undefined }],
    ['token empty', { token: [] }],
    ['token a text', { token: 'BTC' }],
    ['token with numbers', { token: ['BTC', 1] }],
    ['startTime missing', { startTime: undefined }],
    ['startTime a number', { startTime: 1_748_736_000 }],
    ['startTime without seconds', { startTime: '2025-06-01 00:00' }],
    ['startTime in ISO form', { startTime: '2025-06-01T00:00:00' }],
    ['startTime that does not exist', { startTime: '2025-05-32 00:00:00' }],
    ['endTime missing', { endTime: undefined }],
    ['endTime with spaces around', { endTime: ' 2025-06-01 04:00:00' }],
    ['startTime after endTime', { startTime: '2025-06-01 05:00:00' }],
    ['startTime equal to endTime', { startTime: '2025-06-01 04:00:00' }],
    ['timeType missing', { timeType: undefined }],
    ['timeType unknown', { timeType: '5m' }],
    ['timeType from the prototype', { timeType: 'constructor' }],
    ['endpoints missing', { endpoints: undefined }],
    ['endpoints a text', { endpoints: 'CO-A-01-05' }],
    ['endpoints unknown', { endpoints: ['CO-A-01-05', 'CO-X-01-06'] }],
    ['endpoints and tags empty', { endpoints: [], tags: [] }],
    ['tags missing', { tags: undefined }],
    ['tags null', { tags: null }],
    ['tags unknown', { tags: ['CO-B-01-02'] }],
    ['extraParams ill-typed', { extraParams: ['CO-A-01-05'] }],
  ];

  it.each(wrong)('are refused with 201: %s', async (_, changes) => {
    const answered = await ask(simulator, business(changes));
    expect(answered).toMatchObject({ status: 200, code: 201 });
    expect(answered.msg).toMatch(/^parameter/);
    expect(answered.payload).toBeUndefined();
  });

  it('may have extra parameters, empty endpoints with tags, and tokens named twice', async () => {
    const extraParams = [{ endpoint: 'CO-A-01-05', param: { a: 1 } }];
    expect((await ask(simulator, business({ extraParams }))).code).toBe(200);
    expect((await ask(simulator, business({ endpoints: [], tags: ['CO-B-01-01'] }))).code).toBe(200);
    expect((await ask(simulator, business({ token: ['BTC', 'BTC'] }))).payload).toHaveLength(1);
  });

  it('need a tag where empty tags are not allowed', async () => {
    simulator.configure({ allowEmptyTags: false });
    expect((await ask(simulator, business())).code).toBe(201);
    expect((await ask(simulator, business({ tags: ['CO-B-01-01'] }))).code).toBe(200);
    simulator.configure({ allowEmptyTags: true });
  });

  it('are answered with 203 where all tokens are unknown, without the unknown ones where some are', async () => {
    expect((await ask(simulator, business({ token: ['NOPE', 'NADA'] }))).code).toBe(203);
    const answered = await ask(simulator, business({ token: ['NOPE', 'ETH', 'BTC'] }));
    expect(answered.payload).toMatchObject([{ token: 'ETH' }, { token: 'BTC' }]);
  });

  it('are answered with 205 where a metric is refused, until it is allowed again', async () => {
    simulator.refuseMetric('CO-A-02-05');
    expect((await ask(simulator, business({ endpoints: ['CO-A-01-05', 'CO-A-02-05'] }))).code).toBe(205);
    expect((await ask(simulator, business())).code).toBe(200);
    simulator.allowMetric('CO-A-02-05');
    expect((await ask(simulator, business({ endpoints: ['CO-A-02-05'] }))).code).toBe(200);
  });

  it('are answered with 204 where the call is refused', async () => {
    simulator.refuseEndpoint('endpoint');
    expect((await ask(simulator, business())).code).toBe(204);
    expect((await ask(simulator, {}, { path: '/v1/coin/list' })).code).toBe(200);
    simulator.allowEndpoint('endpoint');
    simulator.refuseEndpoint('coin/list');
    expect((await ask(simulator, {}, { path: '/v1/coin/list' })).code).toBe(204);
    simulator.allowEndpoint('coin/list');
    expect((await ask(simulator, business())).code).toBe(200);
  });
});
