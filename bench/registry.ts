import { decode } from './benches/decode.ts';
import { broken, endToEnd } from './benches/end-to-end.ts';
import { packing } from './benches/packing.ts';
import { planning } from './benches/planning.ts';
import { store } from './benches/store.ts';
import type { Bench } from './world.ts';

/** Every bench, in the order in which they run. */
export const benches: readonly Bench[] = [endToEnd, broken, store, decode, packing, planning];
