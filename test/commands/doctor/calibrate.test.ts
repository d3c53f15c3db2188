import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { defaultWireProfile } from '../../../src/api/dialects/index.ts';
import { startTestSimulator } from '../../support/api.ts';
import { createFolder, credentialSettings, runCli } from '../cli.ts';

const credentials = {
  apiKey: 'key-Zq81Lw55Xu',
  signSecret: 'sign-Vt27Hc93Rb',
  dataSecret: 'data-Mp64Ky18Jd!',
  dataIv: 'vector-Gn52Wf70!',
};

describe('doctor --calibrate', () => {
  it('needs no database, writes what it found into .env, and tells no secret', async () => {
    const simulator = await startTestSimulator({
      credentials,
      wire: { ...defaultWireProfile, signed: 'business', lists: 'java' },
      behaviour: { dayStart: '08:00', recordUnit: 'row', overLimit: 'cut', allowEmptyTags: false },
    });
    const folder = createFolder();
    writeFileSync(join(folder, '.env'), '# mine\nTOKENS=BTC\n');
    const settings = {
      ...credentialSettings(credentials),
      CRYPTORACLE_BASE_URL: simulator.url,
      REQUESTS_PER_SECOND: '1000',
    };
    const { code, stdout, stderr } = await runCli(
      folder,
      ['doctor', '--calibrate', '--json', '--write'],
      settings,
    );
    expect(code).toBe(0);
    const found = {
      CRYPTORACLE_API_VERSION: 'v1',
      CRYPTORACLE_WIRE: '{"signed":"business","lists":"java","tags":"one"}',
      RECORD_LIMIT: '2000',
      RECORD_UNIT: 'row',
      DAY_START: '08:00',
    };
    expect(JSON.parse(stdout)).toMatchObject({
      settings: found,
      facts: { record_unit: 'row', record_limit: 2000, day_start: '08:00', empty_tags: 'refused' },
      calls: simulator.counters.requests,
    });
    const written = readFileSync(join(folder, '.env'), 'utf8');
    expect(parseEnv(written)).toEqual({ TOKENS: 'BTC', ...found });
    expect(written).toMatch(/^# mine\n/);
    for (const secret of Object.values(credentials)) expect(stdout + stderr + written).not.toContain(secret);
  });

  it('asks no more than it may, and offers a mail to the vendor where nothing fits', async () => {
    const simulator = await startTestSimulator({ credentials });
    const settings = {
      ...credentialSettings({ ...credentials, signSecret: 'another' }),
      CRYPTORACLE_BASE_URL: simulator.url,
      REQUESTS_PER_SECOND: '1000',
    };
    const { code, stdout } = await runCli(
      createFolder(),
      ['doctor', '--calibrate', '--max-calls', '5'],
      settings,
    );
    expect(code).toBe(1);
    expect(simulator.counters.requests).toBe(5);
    expect(stdout).toContain('the key was accepted; no signature was');
    expect(stdout).toContain('Which parameters are signed');
  });
});
