import { decode } from './benches/decode.ts';
import { broken, endToEnd } from './benches/end-to-end.ts';
import { fresh } from './benches/fresh.ts';
import { latency } from './benches/latency.ts';
import { memory } from './benches/memory.ts';
import { packing } from './benches/packing.ts';
import { planning } from './benches/planning.ts';
import { reading } from './benches/reading.ts';
import { scale } from './benches/scale.ts';
import { replica } from './benches/scaling/replica.ts';
import { scaling } from './benches/scaling/workers.ts';
import { start } from './benches/start.ts';
import { storage } from './benches/storage.ts';
import { store } from './benches/store.ts';
import type { Bench } from './world.ts';

/** Every bench, in the order in which they run. */
export const benches: readonly Bench[] = [
  ...[endToEnd, broken, store, decode, packing, planning],
  ...[latency, fresh, memory, storage, reading, scale, scaling, replica, start],
];
