import { z } from 'zod';

/**
 * How the API dresses a message. The vendor's page lost its samples, so every detail that it leaves open is one
 * field here, to be overridden by the setting `CRYPTORACLE_WIRE` without touching code.
 */
export const wireProfileSchema = z.strictObject({
  /** Name of the field that carries the encrypted text, in requests and answers. */
  payload: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .refine(
      (name) => !['apiKey', 'sign', 'timestamp', 'code', 'msg'].includes(name),
      'is taken by the envelope',
    )
    .default('data'),
  /** Text form of the ciphertext. */
  ciphertext: z.enum(['base64', 'hex']).default('base64'),
  /** Text form of the signature: hexadecimal in lower or upper case, or base64. */
  sign: z.enum(['hex', 'HEX', 'base64']).default('hex'),
  /** Whether the envelope carries a `timestamp`, and in which unit. */
  timestamp: z.enum(['none', 'ms', 's']).default('none'),
  /** What is signed: the envelope's fields, or the business parameters. */
  signed: z.enum(['envelope', 'business']).default('envelope'),
  /** What stands in `tags` where no tag is wanted: nothing, or one tag, should the API refuse an empty list. */
  tags: z.enum(['empty', 'one']).default('empty'),
});

export type WireProfile = z.infer<typeof wireProfileSchema>;

export const defaultWireProfile: WireProfile = wireProfileSchema.parse({});

/** What the vendor hands out; only the API key ever leaves the process, and none of it is ever logged. */
export interface Credentials {
  readonly apiKey: string;
  readonly signSecret: string;
  readonly dataSecret: string;
  readonly dataIv: string;
}
