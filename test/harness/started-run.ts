import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase } from '../../harness/databases.ts';
import { createTemporaryFolder, rememberProcess } from '../../harness/leftovers.ts';
import { silent } from '../../harness/servers.ts';
import { startEmbedded } from '../../src/store/connection/embedded/index.ts';

/** A run that starts a server of each kind, prints what they are, and waits to be killed. */
const folder = createTemporaryFolder('killed');
await startEmbedded(folder.path, silent, { fsync: 'off' });
// Any process that outlives its parent stands for Redis, which is not installed everywhere.
const other = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
rememberProcess(other.pid);
const { url } = await createDatabase(process.env.SERVER ?? '');
process.stdout.write(`${JSON.stringify({ folder: folder.path, redis: other.pid, database: url })}\n`);
await sleep(600_000);
