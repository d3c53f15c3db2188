import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Behaviour,
  defaultBehaviour,
  Market,
  type Simulator,
  startSimulator,
} from '../../src/simulator/index.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { ask, askList, beijing, business, post, StoppedClock, valuesOf } from './ask.ts';

const clock = new StoppedClock(0);
const market = new Market();
const simulator: Simulator = await startSimulator({ clock, market });

beforeEach(() => {
  clock.instant = beijing('2025-06-02 00:00:00');
  simulator.configure(defaultBehaviour);
});
afterAll(() => simulator.close());

describe('the shape', () => {
  const pending = async (changes: Partial<Behaviour>) => {
    simulator.configure(changes);
    // Right after the last window's close only the three before it are published.
    clock.instant = beijing('2025-06-01 04:00:01');
    return (await askList(simulator))[0]?.endPoints.map(({ data }) => data) ?? [];
  };

  it.each(['endPoints', 'timePeriods', 'endpoints'] as const)(
    'names the windows %s',
    async (windowsField) => {
      simulator.configure({ windowsField });
      const [token] = await askList(simulator);
      expect(Object.keys(token ?? {})).toEqual([
        'token',
        'startTime',
        'endTime',
        'timeType',
        windowsField,
        'tags',
      ]);
      expect(token?.[windowsField]).toHaveLength(4);
    },
  );

  it('has the newest window first where told so', async () => {
    simulator.configure({ order: 'newest' });
    const starts = (await askList(simulator))[0]?.endPoints.map(({ startTime }) => startTime.slice(11, 13));
    expect(starts).toEqual(['03', '02', '01', '00']);
  });

  it('has values as numbers where told so', async () => {
    simulator.configure({ valuesAs: 'number' });
    const values = valuesOf(await askList(simulator, { endpoints: v1Metrics }));
    expect(values.every((value) => typeof value === 'number')).toBe(true);
  });

  it('writes a missing value as an empty text, as null, or not at all', async () => {
    expect((await pending({ noValueAs: 'empty' })).at(-1)).toEqual([{ endpoint: 'CO-A-01-05', value: '' }]);
    expect((await pending({ noValueAs: 'null' })).at(-1)).toEqual([{ endpoint: 'CO-A-01-05', value: null }]);
    expect((await pending({ noValueAs: 'absent' })).at(-1)).toEqual([]);
  });

  it('has tags as a flat list', async () => {
    const tags = ['CO-B-01-01', 'CO-B-01-04'] as const;
    const ecosystem = market.tagAsOf('BTC', 'CO-B-01-04', beijing('2025-06-01'));
    expect((await askList(simulator, { tags }))[0]?.tags).toEqual([
      { tag: 'CO-B-01-01', value: 'whale' },
      { tag: 'CO-B-01-04', value: JSON.stringify(ecosystem) },
    ]);
    for (const tagKey of ['endpoint', 'code'] as const) {
      simulator.configure({ tagKey, ecosystemAs: 'object' });
      expect((await askList(simulator, { tags }))[0]?.tags[1]).toEqual({
        [tagKey]: tags[1],
        value: ecosystem,
      });
    }
  });

  it('has tags as a list of windows', async () => {
    simulator.configure({ tagsShape: 'windows' });
    const [token] = await askList(simulator, { endpoints: [], tags: ['CO-B-01-01'] });
    expect(token?.endPoints).toEqual([]);
    expect(token?.tags).toHaveLength(4);
    expect(token?.tags[3]).toEqual({
      startTime: '2025-06-01 03:00:00',
      endTime: '2025-06-01 03:59:59',
      data: [{ tag: 'CO-B-01-01', value: 'whale' }],
    });
  });

  it('has tags as an object by code, or under other names', async () => {
    const tags = ['CO-B-01-01'];
    simulator.configure({ tagsShape: 'map' });
    expect((await askList(simulator, { tags }))[0]?.tags).toEqual({ 'CO-B-01-01': 'whale' });
    simulator.configure({ tagsShape: 'flat', tagKey: 'tagCode', tagValueKey: 'tagValue' });
    expect((await askList(simulator, { tags }))[0]?.tags).toEqual([
      { tagCode: 'CO-B-01-01', tagValue: 'whale' },
    ]);
  });

  it('needs a list of tags, or no list, or a tag, as told', async () => {
    const { tags: _, ...withoutTags } = business();
    expect((await ask(simulator, withoutTags)).code).toBe(201);
    simulator.configure({ tagsOptional: true, allowEmptyTags: false });
    const answered = await ask(simulator, withoutTags);
    expect(answered.code).toBe(200);
    expect((answered.payload as object[])[0]).not.toHaveProperty('tags');
    expect((await ask(simulator, business())).code).toBe(201);
  });

  it('has its words under another name', async () => {
    simulator.configure({ messageField: 'message' });
    expect(JSON.parse((await ask(simulator, business())).text)).toMatchObject({
      code: 200,
      message: 'success',
    });
    expect(JSON.parse((await post(simulator, '{}')).text)).toHaveProperty('message');
  });

  it('has an envelope within the envelope, with the code that counts', async () => {
    simulator.configure({ innerEnvelope: true });
    expect(await ask(simulator, business())).toMatchObject({
      code: 200,
      payload: { code: 200, msg: 'success', data: [{ token: 'BTC' }] },
    });
    expect(await ask(simulator, business({ timeType: '2h' }))).toMatchObject({
      code: 200,
      payload: { code: 201, msg: 'parameter timeType is none of 15m, 1h, 4h, 1d' },
    });
    expect(simulator.log.at(-1)?.code).toBe(201);
  });

  it('can have a plain payload', async () => {
    simulator.configure({ payloadAs: 'plain' });
    expect(JSON.parse((await ask(simulator, business())).text).data[0].token).toBe('BTC');
  });
});

describe('the token list', () => {
  const list = () => ask(simulator, {}, { path: '/v1/coin/list' });

  it('holds the market’s tokens, as texts or as objects', async () => {
    expect((await list()).payload).toEqual(market.tokens.map(({ token }) => token));
    simulator.configure({ coinListShape: 'objects' });
    expect((await list()).payload).toEqual(market.tokens);
  });

  it.each(['token', 'symbol', 'coin', 'coinSymbol', 'tokenSymbol', 'code'] as const)(
    'names its tokens by %s where told so',
    async (coinKey) => {
      simulator.configure({ coinListShape: 'objects', coinKey });
      expect((await list()).payload).toContainEqual({ [coinKey]: 'ETH', name: 'Ethereum' });
    },
  );

  it('stands in an object, is short, or is garbage where told so', async () => {
    simulator.configure({ coinListUnder: 'tokens', coinList: 'short' });
    expect((await list()).payload).toEqual({ tokens: ['BTC'] });
    simulator.configure({ coinListUnder: 'none', coinList: 'garbage' });
    const names = (await list()).payload as string[];
    expect(new Set(names).size).toBe(9_994);
    expect(names.filter((name) => market.knows(name))).toEqual([]);
  });

  it('can fail with 404', async () => {
    simulator.configure({ coinListFails: true });
    expect((await list()).status).toBe(404);
    expect(simulator.log.at(-1)).toMatchObject({ call: 'coin/list', status: 404, code: undefined });
  });
});
