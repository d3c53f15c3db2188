import { bundledTokens } from '../../src/catalog/index.ts';
import type { Figure } from '../figure.ts';
import type { Bench, World } from '../world.ts';
import { timeToStore } from './store.ts';

/** Milliseconds of a thousand values, and how many there were. */
async function cost(world: World, tokens: number, days: number) {
  const answers = await (await world.recorder()).answers(
    bundledTokens.slice(0, tokens).map(({ token }) => token),
    days,
  );
  const database = await world.database();
  const values = answers.reduce((sum, { answer }) => sum + answer.values, 0);
  return { values, each: ((await timeToStore(database.url, answers)) / values) * 1000 };
}

async function compare(name: string, small: Promise<Cost>, large: () => Promise<Cost>): Promise<Figure> {
  const [less, more] = [await small, await large()];
  return {
    ...{ name, value: more.each / less.each, unit: '×', goal: { atMost: 1.1 } },
    detail: `${more.values.toLocaleString('en-US')} values against ${less.values.toLocaleString('en-US')}`,
  };
}

type Cost = Awaited<ReturnType<typeof cost>>;

export const scale: Bench = {
  name: 'scale',
  about: 'the time of a value in a fill of more against one of less',
  needsDatabase: true,
  async run(world) {
    const { tokens, days } = world.size;
    // Connections are opened and code is compiled by a run that does not count.
    await cost(world, Math.ceil(tokens / 4), days);
    return [
      await compare('four times the tokens', cost(world, Math.ceil(tokens / 4), days), () =>
        cost(world, tokens, days),
      ),
      await compare('four times the days', cost(world, Math.ceil(tokens / 4), days), () =>
        cost(world, Math.ceil(tokens / 4), 4 * days),
      ),
    ];
  },
};
