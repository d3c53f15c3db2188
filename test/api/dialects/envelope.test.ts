import { describe, expect, it } from 'vitest';
import { encrypt } from '../../../src/api/dialects/cipher.ts';
import { dialectOf, type Reply } from '../../../src/api/dialects/index.ts';

const credentials = {
  apiKey: 'cryptoracle',
  signSecret: 'cryptoracletest1',
  dataSecret: 'cryptoracletest1',
  dataIv: 'cryptoracletest1',
};
const now = 1_735_660_800_999;

describe('a reply of absurdly many parts', () => {
  const reply = (body: string): Reply => ({ status: 200, retryAfter: null, body });
  const open = (body: string) => dialectOf('v1').open(reply(body), credentials, now);
  const sealed = (text: string) => JSON.stringify({ code: 200, data: encrypt(text, credentials, 'base64') });
  const plain = (text: string) => `{"code":200,"data":${text}}`;

  const shapes = ['1,', '[],', '{},', '"a",', '{"a":1},'].map(
    (part) => [part, `[${part.repeat(1_200_000)}0]`] as const,
  );

  it.each<readonly [string, string]>([...shapes, ['[', '['.repeat(1_200_001)]])(
    'such as %s… is refused unread',
    (_, text) => {
      const refusal = {
        kind: 'transient',
        code: 200,
        message: 'the answer has more than 1200000 parts',
      };
      for (const body of [plain(text), sealed(text)])
        expect(() => open(body)).toThrow(expect.objectContaining(refusal));
    },
  );

  it('is not one of a million, nor one of a long text: both are read', () => {
    const many = `[${'1,'.repeat(999_990)}0]`;
    for (const body of [plain(many), sealed(many)]) expect(open(body)).toHaveLength(999_991);
    const long = 'x'.repeat(5_000_000);
    expect(open(sealed(`"${long}"`))).toBe(long);
  });
});
