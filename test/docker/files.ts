import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { z } from 'zod';

export const composeText = read('docker-compose.yml');

/** Values for everything that the compose file insists on. */
export const demoEnvironment: Readonly<Record<string, string | undefined>> = parseEnv(read('demo.env'));

export function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}

const service = z.looseObject({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  profiles: z.array(z.string()).optional(),
  restart: z.string(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string()).default([]),
  entrypoint: z.array(z.string()).optional(),
  user: z.string().optional(),
  security_opt: z.array(z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  healthcheck: z
    .looseObject({ disable: z.boolean().optional(), test: z.array(z.string()).optional() })
    .optional(),
  logging: z.object({ driver: z.string(), options: z.record(z.string(), z.string()) }),
});

export type Service = z.infer<typeof service>;

const compose = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.unknown()),
});

/** The compose file as the engine sees it under these variables. @throws Error where one that is needed is missing */
export function loadCompose(variables: Readonly<Record<string, string | undefined>>) {
  return compose.parse(interpolate(parse(composeText, { merge: true }), variables));
}

/** Replaces `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` in all strings, as `docker compose` does. */
function interpolate(value: unknown, variables: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(
      /\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})/g,
      (_, name?: string, kind?, text?: string) => {
        if (name === undefined) return '$';
        const given = variables[name] ?? '';
        if (given === '' && kind === '?') throw new Error(`${name}: ${text}`);
        return given === '' ? (text ?? '') : given;
      },
    );
  }
  if (Array.isArray(value)) return value.map((item) => interpolate(item, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolate(item, variables)]));
}
