import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

/** What is deployed may be used as MIT is, and is released by a workflow that checks it first. */

const root = new URL('../../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');

/** Licences that ask for no more than that they are kept. */
const permissive = new Set(
  ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0'].concat([
    'Unlicense',
    'CC0-1.0',
    'Python-2.0',
    'PostgreSQL',
    'MIT-0',
  ]),
);

const lock = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      license: z.string().optional(),
    }),
  ),
});

it('every package that is deployed has a permissive licence', () => {
  const { packages } = lock.parse(JSON.parse(read('package-lock.json')));
  const deployed = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true,
  );
  expect(deployed.length).toBeGreaterThan(50);
  const others = deployed.filter(([, { license = 'none' }]) => {
    const choices = license.replaceAll(/[()]/g, '').split(/ OR /);
    return !choices.some((choice) => choice.split(' AND ').every((each) => permissive.has(each)));
  });
  expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
});

it('a release is made of a tag alone, once the gate is passed, with its record and its bill of materials', () => {
  const workflow = z
    .looseObject({
      on: z.object({ push: z.object({ tags: z.array(z.string()) }) }),
      permissions: z.object({ contents: z.literal('read') }),
      jobs: z.record(
        z.string(),
        z.looseObject({
          'timeout-minutes': z.number(),
          steps: z.array(z.looseObject({ uses: z.string().optional(), run: z.string().optional() })),
        }),
      ),
    })
    .parse(parse(read('.github/workflows/release.yml')));
  const steps = (job: string) =>
    workflow.jobs[job]?.steps.map(({ uses, run }) => uses?.split('@')[0] ?? run ?? '') ?? [];
  const places = ['.ci/run', 'npm pack', 'actions/attest-build-provenance', 'actions/attest-sbom'].map(
    (step) => steps('package').indexOf(step),
  );
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
  expect(steps('image').indexOf('aquasecurity/trivy-action')).toBeLessThan(
    steps('image').lastIndexOf('docker/build-push-action'),
  );
});
