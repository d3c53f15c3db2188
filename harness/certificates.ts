import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { serverAccount } from './accounts.ts';
import { createTemporaryFolder } from './leftovers.ts';

/** Certificates of an authority that nobody knows, made with openssl. */
export interface Certificates {
  /** The authority's certificate. */
  readonly authority: string;
  /** Of another authority, which has signed nothing here. */
  readonly stranger: string;
  readonly certificate: string;
  readonly key: string;
  remove(): void;
}

/** @param name the host that the server's certificate is for: a name, or an address */
export function makeCertificates(name: string): Certificates {
  const owner = serverAccount();
  const folder = createTemporaryFolder('certificates');
  const file = (path: string) => join(folder.path, path);
  for (const authority of ['authority', 'stranger']) {
    openssl(
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...[
        '-subj',
        `/CN=${authority} of a test`,
        '-keyout',
        file(`${authority}.key`),
        '-out',
        file(`${authority}.crt`),
      ],
    );
  }
  const alternative = /^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`;
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...[
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=${alternative}`,
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    ],
    ...['-CA', file('authority.crt'), '-CAkey', file('authority.key')],
    ...['-keyout', file('server.key'), '-out', file('server.crt')],
  );
  chmodSync(file('server.key'), 0o600);
  if (owner !== undefined) chownSync(file('server.key'), owner.uid, owner.gid);
  return {
    authority: file('authority.crt'),
    stranger: file('stranger.crt'),
    certificate: file('server.crt'),
    key: file('server.key'),
    remove: folder.remove,
  };
}

function openssl(...args: readonly string[]): void {
  const { status, error, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl: ${error?.message ?? stderr}`);
}
