import type { Random } from '../../harness/random.ts';
import type { World } from '../world.ts';

/** Everything that may go wrong while data come in, and how it is brought about. */
export interface Fault {
  readonly name: string;
  /** The server that it needs. */
  readonly needs?: 'own PostgreSQL' | 'own PostgreSQL on Linux' | 'Redis' | 'queue in PostgreSQL';
  /** Takes too long for the storm, or must be alone. */
  readonly isSlow?: true;
  /** Brings it about while a fill is under way, and ends it; what it killed is started again afterwards. */
  readonly strike: (world: World, random: Random) => Promise<void>;
}

export function isPossible({ needs }: Fault, world: World): boolean {
  const isThere = {
    'own PostgreSQL': world.postgres !== undefined,
    'own PostgreSQL on Linux': world.postgres !== undefined && process.platform === 'linux',
    Redis: world.queue === 'Redis',
    'queue in PostgreSQL': world.queue === 'PostgreSQL',
  };
  return needs === undefined || isThere[needs];
}
