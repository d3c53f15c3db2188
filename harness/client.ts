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

const databaseName = (url: string) => new URL(url).pathname.slice(1);

/** Drops a database together with its connections. @param url its address */
export async function dropDatabase(url: string): Promise<void> {
  const server = new URL(url);
  server.pathname = '/postgres';
  const statement = `drop database if exists ${databaseName(url)} with (force)`;
  await withClient(server.href, (client) => client.query(statement));
}
