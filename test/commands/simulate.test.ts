import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { faultKinds } from '../../src/simulator/index.ts';
import { createFolder, errorLines, type Running, runCli, startCli } from './cli.ts';

const folder = createFolder();
let running: Running | undefined;

afterEach(async () => {
  running?.process.kill('SIGTERM');
  await running?.ended;
  running = undefined;
});

/** Starts `simulate` and reads the lines for `.env`. */
async function simulate(...args: string[]): Promise<ReadonlyMap<string, string>> {
  const started = startCli(folder, ['simulate', '--port', '0', ...args]);
  running = started;
  let printed = '';
  started.process.stdout?.on('data', (text: string) => {
    printed += text;
  });
  while (!/CRYPTORACLE_API_KEY=.*\n/.test(printed)) {
    if (started.process.exitCode !== null) throw new Error((await started.ended).stderr);
    await sleep(10);
  }
  const lines = printed.split('\n').filter((line) => line.includes('='));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

async function post(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  });
  return { status: response.status, body: await response.text() };
}

describe('simulate', () => {
  it('prints an address that others can use where it listens everywhere', async () => {
    const settings = await simulate('--host', '0.0.0.0');
    const url = new URL(settings.get('CRYPTORACLE_BASE_URL') ?? '');
    expect(url.hostname).not.toBe('0.0.0.0');
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    expect(own.map(({ address }) => address)).toContain(url.hostname);
    expect((await post(`${url.href}/v1/endpoint`)).status).toBe(200);
    expect([...settings.keys()]).toEqual([
      'CRYPTORACLE_BASE_URL',
      'CRYPTORACLE_API_KEY',
      'CRYPTORACLE_SIGN_SECRET',
      'CRYPTORACLE_DATA_SECRET',
      'CRYPTORACLE_DATA_IV',
    ]);
  });

  it('speaks the version and behaves as told, and does what its control file says while it runs', async () => {
    const control = join(folder, 'control.json');
    const settings = await simulate(
      ...['--api', 'v2.1', '--behaviour', 'messageField=message', '--control', control],
    );
    expect([...settings.keys()]).toEqual([
      'CRYPTORACLE_API_VERSION',
      'CRYPTORACLE_BASE_URL',
      'CRYPTORACLE_API_KEY',
    ]);
    const base = settings.get('CRYPTORACLE_BASE_URL');
    const ask = () => post(`${base}/v2.1/endpoint`);
    const until = async (isTrue: (answer: { status: number; body: string }) => boolean) => {
      while (!isTrue(await ask())) await sleep(20);
    };
    expect((await post(`${base}/v2.1/coin/list`)).status).toBe(404);
    expect((await post(`${base}/v1/endpoint`)).status).toBe(404);
    expect(JSON.parse((await ask()).body)).toHaveProperty('message');
    writeFileSync(control, '{"faults":"error503=1"}');
    await until(({ status }) => status === 503);
    writeFileSync(control, '{"behaviour":{"messageField":"msg"}}');
    await until(({ status, body }) => status === 200 && body.includes('"msg"'));
    writeFileSync(control, '{}');
    await until(({ status, body }) => status === 200 && body.includes('"message"'));
  });

  it('tells in its help every fault and every behaviour', async () => {
    const { stdout } = await runCli(folder, ['simulate', '--help']);
    for (const kind of faultKinds) expect(stdout).toContain(`  ${kind}=`);
    for (const name of ['dayStart', 'recordUnit', 'innerEnvelope', 'refusedEndpoints']) {
      expect(stdout).toContain(`  ${name}=`);
    }
  });

  it.each([
    [['--behaviour', 'dayStart=9'], '--behaviour'],
    [['--faults', 'bim=1'], '--faults'],
    [['--api', 'v99'], '--api'],
    [['--coverage', 'all'], '--coverage'],
    [['--over-limit', 'crash'], '--over-limit'],
  ])('refuses %j in one line that names the option', async (args, named) => {
    const ended = await runCli(folder, ['simulate', '--port', '0', ...args]);
    expect(ended.code).toBe(1);
    expect(errorLines(ended)).toHaveLength(1);
    expect(errorLines(ended)[0]).toContain(named);
  });
});
