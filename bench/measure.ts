import type { Result } from './figure.ts';
import { type Bench, type Server, type SizeName, sizes, World } from './world.ts';

/** Runs one bench, on one server where it needs one, in a world of its own. */
export async function measure(bench: Bench, size: SizeName, server?: Server): Promise<Result[]> {
  const world = new World(sizes[size], server);
  try {
    const figures = await bench.run(world);
    return figures.map((figure) => ({ bench: bench.name, server: server?.name, figure }));
  } finally {
    await world.close();
  }
}

/** Runs the benches one after the other; those that need a database once on each server. */
export async function measureAll(
  benches: readonly Bench[],
  size: SizeName,
  servers: readonly Server[],
  say: (line: string) => void = () => {},
): Promise<Result[]> {
  const results: Result[] = [];
  for (const bench of benches) {
    for (const server of bench.needsDatabase ? servers : [undefined]) {
      say(`${bench.name}${server === undefined ? '' : ` on ${server.name}`}: ${bench.about}`);
      results.push(...(await measure(bench, size, server).catch((error) => [failure(bench, server, error)])));
    }
  }
  return results;
}

/** In a table of figures a bench that failed is a figure, too: the others shall not be lost. */
function failure(bench: Bench, server: Server | undefined, error: unknown): Result {
  const absent = `failed: ${error instanceof Error ? error.message : String(error)}`;
  return {
    bench: bench.name,
    server: server?.name,
    figure: { name: 'all', unit: '×', goal: { atLeast: 0 }, absent },
  };
}
