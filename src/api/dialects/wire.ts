import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';

/**
 * How v1 dresses a message. The vendor's page lost its samples, so every detail that it leaves open is one field here,
 * to be overridden by the setting `CRYPTORACLE_WIRE` without touching code. docs/wire.md has an example of each.
 */
const name = () =>
  z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'is no name of a field')
    .refine((text) => !['code', 'msg'].includes(text), 'is taken by the answer');

const fields = {
  /** Name of the field that carries the encrypted text, in requests and, where `answer` names no other, in answers. */
  payload: name().default('data'),
  /** Name of the field that carries the encrypted text in answers. The client finds `data` and `result` anyway. */
  answer: name().exactOptional(),
  /** Text form of the ciphertext in requests; `none`: nothing is encrypted. The client reads answers in any form. */
  ciphertext: z.enum(['base64', 'hex', 'HEX', 'none']).default('base64'),
  /** Text form of the signature: hexadecimal in lower or upper case, or base64; `none`: nothing is signed. */
  sign: z.enum(['hex', 'HEX', 'base64', 'none']).default('hex'),
  signName: name().default('sign'),
  /** Where the signature stands: beside the payload, in a header, or inside of what is encrypted. */
  signPlace: z.enum(['body', 'header', 'payload']).default('body'),
  keyName: name().default('apiKey'),
  /** Where the API key stands: beside the payload, in a header, or beside the payload and once more inside of it. */
  keyPlace: z.enum(['body', 'header', 'both']).default('body'),
  /** Whether the time is sent, and how: milliseconds, seconds, or digits of the Beijing clock. */
  timestamp: z.enum(['none', 'ms', 's', 'yyyyMMddHHmmss']).default('none'),
  timestampName: name().default('timestamp'),
  /** Whether something that never repeats is sent: random letters, or a number of four digits that counts on. */
  nonce: z.enum(['none', 'random', 'sequence']).default('none'),
  nonceName: name().default('nonce'),
  /** The parameters that are signed; `envelope`: all public ones, the ciphertext among them. */
  signed: z.enum(['envelope', 'business', 'key+business', 'key+timestamp']).default('envelope'),
  /** How a list stands in what is signed: compact JSON, as Java prints it (`[BTC, ETH]`), or joined by commas. */
  lists: z.enum(['json', 'java', 'comma']).default('json'),
  /** Whether empty lists are part of what is signed. */
  emptyLists: z.enum(['signed', 'left out']).default('signed'),
  /** How the parameters are put together to be signed: `key=value` by key, or the values alone, as sent or by key. */
  joined: z.enum(['pairs', 'values', 'values by key']).default('pairs'),
  /** The content of `tags` where no tag is wanted: nothing, or one tag, should the API refuse an empty list. */
  tags: z.enum(['empty', 'one']).default('empty'),
};

/** The field that an unknown one was probably meant to be. */
function nearField(unknown: string): string {
  const near = closest(unknown, Object.keys(fields));
  return distance(unknown.toLowerCase(), near.toLowerCase()) <= 3
    ? near
    : `one of ${Object.keys(fields).join(', ')}`;
}

export const wireProfileSchema = z
  .strictObject(fields, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `there is no field "${key}"; did you mean ${nearField(key)}?`).join(' ')
        : undefined,
  })
  .refine(({ payload, signName, keyName, timestampName, nonceName }) => {
    const names = [payload, signName, keyName, timestampName, nonceName];
    return new Set(names).size === names.length;
  }, 'two fields have the same name')
  .refine(({ signPlace, signed }) => signPlace !== 'payload' || signed !== 'envelope', {
    path: ['signed'],
    error: "cannot be 'envelope' where the signature is inside of it",
  })
  .refine(({ signed, timestamp }) => signed !== 'key+timestamp' || timestamp !== 'none', {
    path: ['timestamp'],
    error: 'must be sent where it is signed',
  });

export type WireProfile = Readonly<z.infer<typeof wireProfileSchema>>;

export const defaultWireProfile: WireProfile = wireProfileSchema.parse({});
