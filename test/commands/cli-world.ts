import { beforeAll } from 'vitest';
import { emptyTables } from '../../harness/empty-tables.ts';
import type { Simulator, SimulatorOptions } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { startTestSimulator } from '../support/api.ts';
import { createTestDatabase, type ServerKind } from '../support/database.ts';
import {
  createFolder,
  type Ended,
  type Environment,
  type Running,
  runCli,
  settingsFor,
  startCli,
} from './cli.ts';

/** All that a command needs: a folder, a database, a simulated API, and settings that name them. */
export interface CliWorld {
  readonly folder: string;
  readonly database: Database;
  readonly simulator: Simulator;
  readonly settings: Environment;
  /** Runs a command to its end. @param changes settings that differ */
  run(args: readonly string[], changes?: Environment): Promise<Ended>;
  start(args: readonly string[], changes?: Environment): Running;
  /** Makes the database as `migrate` left it, and the simulator free of faults. */
  reset(): Promise<void>;
}

export interface CliWorldOptions {
  readonly simulator?: SimulatorOptions;
  readonly settings?: Environment;
  readonly server?: ServerKind;
}

/** Makes a world before the tests of the surrounding suite, and takes it down after them. */
export function createCliWorld(options: CliWorldOptions = {}): CliWorld {
  const folder = createFolder();
  let made: Pick<CliWorld, 'database' | 'simulator' | 'settings'> | undefined;
  const world = () => {
    if (made === undefined) throw new Error('the world is there only while tests run');
    return made;
  };
  beforeAll(async () => {
    const simulator = await startTestSimulator(options.simulator ?? {});
    const database = await createTestDatabase(options.server ?? 'plain PostgreSQL');
    made = {
      simulator,
      database,
      settings: { ...settingsFor(simulator, database.url), ...options.settings },
    };
  });
  return {
    folder,
    get database() {
      return world().database;
    },
    get simulator() {
      return world().simulator;
    },
    get settings() {
      return world().settings;
    },
    run: (args, changes = {}) => runCli(folder, args, { ...world().settings, ...changes }),
    start: (args, changes = {}) => startCli(folder, args, { ...world().settings, ...changes }),
    reset: async () => {
      world().simulator.setFaults({});
      await emptyTables(world().database.pool);
    },
  };
}
