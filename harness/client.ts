import pg from 'pg';

/** Opens a connection for some work, and closes it whatever happens. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const administrators = new Map<string, pg.Pool>();

/**
 * Runs a statement on a connection that stays open for further ones, since a new one takes longer than most statements.
 * It does not keep the process from ending.
 */
export async function administer(url: string, statement: string): Promise<void> {
  let pool = administrators.get(url);
  if (pool === undefined) {
    pool = new pg.Pool({ connectionString: url, max: 1, allowExitOnIdle: true, idleTimeoutMillis: 60_000 });
    // Its server may be stopped meanwhile.
    pool.on('error', () => {});
    administrators.set(url, pool);
  }
  await pool.query(statement);
}

const databaseName = (url: string) => new URL(url).pathname.slice(1);

/** Drops a database together with its connections. @param url its address */
export async function dropDatabase(url: string): Promise<void> {
  const server = new URL(url);
  server.pathname = '/postgres';
  const statement = `drop database if exists ${databaseName(url)} with (force)`;
  await administer(server.href, statement);
}
