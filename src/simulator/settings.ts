import type { Credentials } from '../api/dialects/wire.ts';

/** The credentials on the vendor's public sample page; worth nothing at the real API. */
export const sampleCredentials: Credentials = {
  apiKey: 'cryptoracle',
  signSecret: 'cryptoracletest1',
  dataSecret: 'cryptoracletest1',
  dataIv: 'cryptoracletest1',
};

/** The calls of the API, as their paths below the version. */
export const calls = ['endpoint', 'coin/list'] as const;

export type Call = (typeof calls)[number];
