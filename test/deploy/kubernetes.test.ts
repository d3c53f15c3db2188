import { readdirSync, readFileSync } from 'node:fs';
import { Deployment } from 'kubernetes-models/apps/v1';
import { Job } from 'kubernetes-models/batch/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { ConfigMap, Secret, Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { roles } from '../../src/commands/roles.ts';
import { parseSettings, settingNames } from '../../src/config.ts';

/** deploy/kubernetes: each manifest by Kubernetes' own schemas, and all of them together. */

const folder = new URL('../../deploy/kubernetes/', import.meta.url);
const files = readdirSync(folder);

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }).optional(),
});

function documentsOf(file: string) {
  return parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map((document) =>
    manifest.parse(document.toJS()),
  );
}

const all = files.filter((file) => file !== 'kustomization.yaml').flatMap(documentsOf);

/** @throws Error where Kubernetes would refuse it */
function check(document: z.infer<typeof manifest>): void {
  const kinds: Readonly<Record<string, () => { validate(): void }>> = {
    'apps/v1 Deployment': () => new Deployment(document as never),
    'batch/v1 Job': () => new Job(document as never),
    'networking.k8s.io/v1 NetworkPolicy': () => new NetworkPolicy(document as never),
    'v1 ConfigMap': () => new ConfigMap(document as never),
    'v1 Secret': () => new Secret(document as never),
    'v1 Service': () => new Service(document as never),
  };
  const make = kinds[`${document.apiVersion} ${document.kind}`];
  if (make === undefined) throw new Error(`no schema of ${document.apiVersion} ${document.kind}`);
  make().validate();
}

const reference = z.object({ name: z.string(), key: z.string(), optional: z.boolean().optional() });
const podSchema = z.looseObject({
  automountServiceAccountToken: z.literal(false),
  securityContext: z.looseObject({ runAsNonRoot: z.literal(true) }),
  containers: z.array(
    z.looseObject({
      image: z.string(),
      args: z.array(z.string()),
      env: z.array(
        z.object({
          name: z.string(),
          value: z.string().optional(),
          valueFrom: z.object({ secretKeyRef: reference }).optional(),
        }),
      ),
      resources: z.object({
        requests: z.object({ cpu: z.string(), memory: z.string() }),
        limits: z.object({ memory: z.string() }),
      }),
      securityContext: z.looseObject({
        allowPrivilegeEscalation: z.literal(false),
        readOnlyRootFilesystem: z.literal(true),
        capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
      }),
    }),
  ),
});
const workload = z.looseObject({
  kind: z.enum(['Deployment', 'Job']),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }).optional(),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: podSchema,
    }),
  }),
});
const workloads = all.flatMap((each) => workload.safeParse(each).data ?? []);
const containers = workloads.flatMap(({ metadata, spec }) =>
  spec.template.spec.containers.map((container) => ({ name: metadata.name, ...container })),
);

describe('the manifests', () => {
  it.each(all.map((each) => [`${each.kind} ${each.metadata?.name}`, each] as const))(
    '%s suits',
    (_, each) => {
      expect(() => check(each)).not.toThrow();
      expect(() => check({ ...each, metadata: { name: 7 as never } })).toThrow();
    },
  );

  it('are all that the kustomization names, but for the secret that is an example', () => {
    const [kustomization] = documentsOf('kustomization.yaml');
    expect(kustomization?.resources).toEqual(
      expect.arrayContaining(
        files.filter((file) => !['kustomization.yaml', 'secret.example.yaml'].includes(file)),
      ),
    );
    expect(kustomization?.resources).toHaveLength(files.length - 2);
    expect(kustomization?.images).toMatchObject([{ name: 'cryptoracle-ingest' }]);
  });

  it('run every role apart and confined, of one image', () => {
    expect(Object.fromEntries(containers.map(({ name, args }) => [name, args.join(' ')]))).toEqual({
      migrate: 'migrate',
      ...Object.fromEntries(
        roles.filter((role) => role !== 'all').map((role) => [role, `start --role ${role}`]),
      ),
    });
    expect(new Set(containers.map(({ image }) => image))).toEqual(new Set(['cryptoracle-ingest']));
    for (const { spec } of workloads)
      if (spec.selector !== undefined)
        expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
  });

  it('hand on settings that there are, and secrets that the example has', () => {
    const secrets = new Map(
      documentsOf('secret.example.yaml').map(({ metadata, stringData }) => [
        metadata?.name,
        Object.keys(z.record(z.string(), z.string()).parse(stringData)),
      ]),
    );
    for (const { env } of containers) {
      for (const { name, valueFrom } of env) {
        expect(settingNames).toContain(name);
        const from = valueFrom?.secretKeyRef;
        if (from !== undefined && from.optional !== true) expect(secrets.get(from.name)).toContain(from.key);
      }
    }
    const asOwner = containers.filter(({ env }) => JSON.stringify(env).includes('cryptoracle-owner'));
    expect(asOwner.map(({ name }) => name)).toEqual(['migrate']);
    const [settings] = documentsOf('settings.yaml');
    const data = z.record(z.string(), z.string()).parse(settings?.data);
    for (const name of Object.keys(data)) expect(settingNames).toContain(name);
    expect(() => parseSettings(data)).not.toThrow();
  });
});
