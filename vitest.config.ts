import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose tests wait for processes and schedules: begun last, they would be what is left at the end. */
const slowest = ['/test/chaos/', '/test/queue/', '/test/commands/'];

/** Drills of whole set-ups, with servers of their own: `npm run drills` runs them alone, every night. */
const drills = [
  'test/chaos/postgres-queue.test.ts',
  'test/chaos/redis-queue.test.ts',
  'test/queue/redis-variants.test.ts',
  'test/release/pack.test.ts',
  'test/store/connection/standby.test.ts',
  'test/store/setup/backup.test.ts',
  'test/store/setup/killed.test.ts',
  'test/store/setup/managed.test.ts',
  'test/store/setup/point-in-time.test.ts',
  'test/store/setup/side-by-side.test.ts',
  'test/store/setup/upgrades.test.ts',
];
const isDrill = process.env.DRILLS !== undefined;

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = slowest.findIndex((folder) => moduleId.includes(folder));
      return found < 0 ? slowest.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: isDrill ? drills : ['test/**/*.test.ts'],
    exclude: isDrill ? [] : drills,
    globalSetup: ['test/support/servers.ts'],
    setupFiles: ['test/support/release.ts'],
    // Reading the modules anew for each of a hundred files took longer than most of the tests.
    isolate: false,
    // What is unchanged since the last run is not transformed anew.
    experimental: { fsModuleCache: true, fsModuleCachePath: '.cache/vitest' },
    // Bounds for what never ends: a busy machine takes ten times as long as an idle one.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    // Most of the time goes by in waiting for servers and processes.
    maxWorkers: 4,
    sequence: { sequencer: SlowestFirst },
  },
});
