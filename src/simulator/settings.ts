import type { SealedCredentials } from '../api/dialects/index.ts';

export { type Call, calls } from '../api/dialects/index.ts';

/** The credentials on the vendor's public sample page; worth nothing at the real API. */
export const sampleCredentials: SealedCredentials = {
  apiKey: 'cryptoracle',
  signSecret: 'cryptoracletest1',
  dataSecret: 'cryptoracletest1',
  dataIv: 'cryptoracletest1',
};
