import { createDecipheriv, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { dialectOf, type MetricsQuestion } from '../../../src/api/dialects/index.ts';
import { credentials, now, question } from '../server.ts';

const asked = (changes: Partial<MetricsQuestion> = {}) =>
  ({ call: 'endpoint', about: { ...question, ...changes } }) as const;

const business = {
  token: ['BTC', 'ETH'],
  startTime: '2025-01-01 00:00:00',
  endTime: '2025-01-01 23:59:59',
  timeType: '1h',
  endpoints: ['CO-A-01-05'],
};

const extraParams = [{ endpoint: 'CO-A-01-05', param: { community: 'x' } }];

describe.each(['v2', 'v2.1'] as const)('the dialect %s', (version) => {
  const dialect = dialectOf(version);
  const key = { apiKey: credentials.apiKey };
  const bodyOf = (changes?: Partial<MetricsQuestion>) =>
    JSON.parse(dialect.encode(asked(changes), key, now).body);

  it('sends the key as a header and plain JSON, without what is not wanted', () => {
    expect(dialect.secrets).toEqual(['apiKey']);
    expect(dialect.encode(asked(), key, now)).toMatchObject({
      path: `${version}/endpoint`,
      headers: { 'X-API-KEY': credentials.apiKey },
    });
    expect(bodyOf()).toEqual(business);
    expect(bodyOf({ tags: ['CO-B-01-04'], extraParams })).toEqual({
      ...business,
      tags: ['CO-B-01-04'],
      extraParams,
    });
  });

  it('is served to the key alone', () => {
    const { body } = dialect.encode(asked(), key, now);
    const headers = { 'x-api-key': credentials.apiKey };
    expect(dialect.server.read({ headers, body }, credentials, now)).toEqual({ business });
    for (const wrong of [{}, { 'x-api-key': 'other' }])
      expect(dialect.server.read({ headers: wrong, body }, credentials, now)).toMatchObject({
        refusal: { code: 202 },
      });
    expect(dialect.server.read({ headers, body: '[]' }, credentials, now)).toMatchObject({
      refusal: { code: 201 },
    });
  });

  it('has its answers opened as they are', () => {
    const reply = (body: unknown) => ({ status: 200, retryAfter: null, body: JSON.stringify(body) });
    expect(dialect.open(reply({ code: 200, data: [{ token: 'BTC' }] }), key, now)).toEqual([
      { token: 'BTC' },
    ]);
    expect(() => dialect.open(reply({ code: 205, message: 'no' }), key, now)).toThrow('code 205: no');
  });
});

describe('the dialect v1', () => {
  it('encrypts and signs parameters of metrics like all else', () => {
    const { body } = dialectOf('v1').encode(asked({ extraParams }), credentials, now);
    const { apiKey, data, sign } = JSON.parse(body);
    const decipher = createDecipheriv('aes-128-cbc', credentials.dataSecret, credentials.dataIv);
    const opened = JSON.parse(decipher.update(data, 'base64', 'utf8') + decipher.final('utf8'));
    expect(opened).toEqual({ ...business, tags: [], extraParams });
    const signed = `apiKey=${apiKey}&data=${data}`;
    expect(sign).toBe(createHmac('md5', credentials.signSecret).update(signed).digest('hex'));
  });
});
