import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { makeCertificates } from '../../harness/certificates.ts';
import { ForwardProxy } from '../../harness/proxy.ts';
import { Relay } from '../../harness/relay.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import { startTestSimulator } from '../support/api.ts';
import { createTestDatabase } from '../support/database.ts';
import { onFileEnd } from '../support/releasers.ts';
import { createFolder, type Environment, runCli, settingsFor, startCli } from './cli.ts';

/** Networks as companies have them: the API can be reached by a proxy alone, under a certificate of their own. */

describe('a network whose only way out is a proxy', () => {
  const folder = createFolder();
  const certificates = makeCertificates('api.example');
  let proxy: ForwardProxy;
  let simulator: Simulator;
  let settings: Environment;
  beforeAll(async () => {
    simulator = await startTestSimulator({});
    const tls = { key: readFileSync(certificates.key), cert: readFileSync(certificates.certificate) };
    proxy = await ForwardProxy.start(simulator.url, { login: 'user:s3cret-word', tls });
    onFileEnd(async () => {
      await proxy.close();
      certificates.remove();
    });
    const database = await createTestDatabase('plain PostgreSQL');
    settings = {
      ...settingsFor(simulator, database.url),
      CRYPTORACLE_BASE_URL: `https://api.example${new URL(simulator.url).pathname}`,
      NODE_EXTRA_CA_CERTS: certificates.authority,
    };
    expect((await runCli(folder, ['migrate'], settings)).code).toBe(0);
  });

  /** @param isProcess whether it has to know the certificates, which a process reads as it starts */
  const doctor = async (changes: Environment, isProcess = false) => {
    const said = { ...settings, ...changes };
    const { stdout } = await (isProcess
      ? startCli(folder, ['doctor'], said).ended
      : runCli(folder, ['doctor'], said));
    expect(stdout).not.toContain('s3cret');
    return stdout;
  };

  it('lets `doctor` call the API through it, and see the way that calls take', async () => {
    const https = proxy.url('user:s3cret-word');
    const said = await doctor({ https_proxy: https, HTTP_PROXY: 'http://127.0.0.1:1' }, true);
    const { host } = new URL(https);
    expect(said).toMatch(
      new RegExp(`^ok +proxy +api\\.example is called through ${host} \\(HTTPS_PROXY\\)`, 'm'),
    );
    expect(said).toMatch(/^ok +API +api\.example answered/m);
    expect(proxy.targets).toEqual(['api.example:443']);
  });

  it('names the proxy where that refuses, or is not there', async () => {
    const refused = await doctor({ HTTPS_PROXY: proxy.url('user:wrong') });
    expect(refused).toMatch(/^FAILED +API +.*407.*\n +-> check the proxy 127\.0\.0\.1:\d+ and its login/m);
    const gone = await doctor({ HTTPS_PROXY: 'http://127.0.0.1:1' });
    expect(gone).toMatch(/^FAILED +API +.*\n +-> check the proxy 127\.0\.0\.1:1 /m);
  });

  it('is left out for what NO_PROXY names, and nothing gets there then', async () => {
    const before = proxy.targets.length;
    const said = await doctor({ HTTPS_PROXY: proxy.url('user:s3cret-word'), NO_PROXY: '.example' });
    expect(said).toMatch(/^ok +proxy +api\.example is called directly/m);
    expect(said).toMatch(/^FAILED +API/m);
    expect(proxy.targets).toHaveLength(before);
  });

  it('takes messages to a chat, too', async () => {
    const before = proxy.targets.length;
    const { stderr } = await startCli(folder, ['notify', '--test'], {
      ...settings,
      HTTPS_PROXY: proxy.url('user:s3cret-word'),
      NOTIFY_WEBHOOK: 'https://api.example/hook',
    }).ended;
    // The simulator is no chat, and says so.
    expect(stderr).toMatch(/did not arrive: HTTP status 404/);
    expect(proxy.targets.slice(before)).toEqual(['api.example:443']);
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

describe.skipIf(!hasIpv6)('IPv6', () => {
  const folder = createFolder();

  /** The same server at ::1. */
  async function at6(url: string, defaultPort: number): Promise<string> {
    const relay = await Relay.open(url, defaultPort, '::1');
    onFileEnd(() => relay.close());
    return relay.url;
  }

  it('reaches the database, Redis and the API by address', async () => {
    const simulator = await startTestSimulator({});
    const database = await createTestDatabase('plain PostgreSQL');
    const redisUrl = inject('redisUrl');
    const settings = {
      ...settingsFor(simulator, await at6(database.url, 5432)),
      CRYPTORACLE_BASE_URL: await at6(simulator.url, 80),
      ...(redisUrl === null ? {} : { REDIS_URL: await at6(redisUrl, 6379) }),
    };
    const { stdout } = await runCli(folder, ['doctor'], settings);
    for (const check of ['database', 'queue', 'API']) {
      expect(stdout).toMatch(
        new RegExp(`^ok +${check} .*${check === 'queue' && redisUrl === null ? '' : '\\[::1\\]'}`, 'm'),
      );
    }
  });
});
