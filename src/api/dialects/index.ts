import type { ApiVersion } from '../../catalog/index.ts';
import type { Dialect } from '../dialect.ts';
import { sealedDialect } from './v1.ts';
import { plainDialect } from './v2.ts';
import { defaultWireProfile, type WireProfile } from './wire.ts';

export * from '../dialect.ts';
export { defaultWireProfile, type WireProfile, wireProfileSchema } from './wire.ts';

/** The registry: a line for each version of the API. */
const dialects: Readonly<Record<ApiVersion, (wire: WireProfile) => Dialect>> = {
  v1: sealedDialect,
  v2: () => plainDialect('v2'),
  'v2.1': () => plainDialect('v2.1'),
};

/** @param wire how v1 dresses a message; the other versions leave nothing open */
export function dialectOf(version: ApiVersion, wire: WireProfile = defaultWireProfile): Dialect {
  return dialects[version](wire);
}
