import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { onFileEnd } from '../support/releasers.ts';
import { expectMistake } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

describe('notify', () => {
  const world = createCliWorld();

  it('--test sends a message, or says why it did not arrive', async () => {
    const bodies: string[] = [];
    let status = 200;
    const server = createServer((request, response) => {
      request.on('data', (chunk) => bodies.push(String(chunk)));
      request.on('end', () => response.writeHead(status).end());
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onFileEnd(async () => void server.close());
    const webhook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/S3CRET`;
    const settings = { NOTIFY_WEBHOOK: webhook };
    expect(await world.run(['notify', '--test'], settings)).toMatchObject({ code: 0, stdout: 'sent\n' });
    expect(bodies.map((body) => JSON.parse(body))).toEqual([{ text: expect.stringContaining('test') }]);
    status = 404;
    const refused = await world.run(['notify', '--test'], settings);
    expect(refused.code).toBe(75);
    expect(refused.stderr).toContain('NOTIFY_WEBHOOK: the message did not arrive: HTTP status 404');
    expect(refused.stderr).not.toContain('S3CRET');
  });

  it('--test says that there is no address, and a wrong one is refused', async () => {
    expectMistake(await world.run(['notify', '--test']), ['NOTIFY_WEBHOOK is not set']);
    expectMistake(await world.run(['notify', '--test'], { NOTIFY_WEBHOOK: 'slack' }), ['NOTIFY_WEBHOOK']);
  });

  it('shows each kind, with what was told', async () => {
    const { stdout } = await world.run(['notify']);
    for (const kind of ['late', 'thin', 'refused', 'recovered', 'order', 'quarantine'])
      expect(stdout).toContain(kind);
    expect(JSON.parse((await world.run(['notify', '--json'])).stdout)).toEqual([]);
  });
});
