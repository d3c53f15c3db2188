import { bundledTokens } from '../../src/catalog/index.ts';
import type { Faults } from '../../src/simulator/index.ts';
import { tokens, type World } from '../world.ts';
import type { Fault } from './fault.ts';

/** Answers that are well formed and say what is not so: the vendor's own database is ill. */

type EmptyForm = NonNullable<NonNullable<Faults['empty']>['as']>;

/** Every way in which an API says that there is nothing. */
const emptyForms: readonly EmptyForm[] = ['list', 'nothing', '203', 'null', 'absent'];

export const vendorFaults: readonly Fault[] = [
  { name: 'API: nothing there of anything', strike: answerWithNothing },
  { name: 'API: values that no metric can have', strike: giveAbsurdValues },
  { name: 'API: a list of one token, and one of 9,994 garbage names', strike: shortenTokenList },
];

/** Answers with nothing for everything, in each form, until much is suspect; then the API is well again. */
async function answerWithNothing(world: World): Promise<void> {
  await world.answered(3);
  for (const as of emptyForms) {
    world.simulator.setFaults({ empty: { probability: 1, as } });
    const before = await countRows(world, 'requests');
    await world.until(`answers with nothing, as ${as}`, async () => {
      await letPausesPass(world);
      return (await countRows(world, 'requests')) >= before + 8;
    });
  }
  if ((await countRows(world, 'suspects')) === 0) throw new Error('nothing is suspect');
  world.simulator.setFaults({});
  await world.until('nothing is suspect any more', async () => {
    await letPausesPass(world);
    return (await countRows(world, 'suspects')) === 0;
  });
}

/** Makes suspects due that are not yet, and has them asked for again. */
async function letPausesPass(world: World): Promise<void> {
  // A worker that enters suspects meanwhile may hold what this waits for, and wait for what this holds.
  await world.persist(() =>
    world.database.pool.query('update cryptoracle.suspects set ask_at = now() where ask_at > now()'),
  );
  await world.tickAndWait('heal');
}

/** Has values quarantined; once the API is well again a person has the range asked for anew. */
async function giveAbsurdValues(world: World): Promise<void> {
  world.simulator.setFaults({ absurd: { probability: 0.3 } });
  await world.until('values in quarantine', async () => (await countRows(world, 'quarantine')) >= 10);
  world.simulator.setFaults({});
  const { from, to } = world.range;
  const code = await world.command(['backfill', '--refresh', '--from', from, '--to', to]).ended();
  if (code !== 0) throw new Error(`backfill --refresh ended with ${code}`);
}

/** Lets a pipeline that wants all tokens of the list be told of lists that are wrong. */
async function shortenTokenList(world: World): Promise<void> {
  const others = bundledTokens.map(({ token }) => token).filter((token) => !tokens.includes(token));
  await world.killAll();
  await world.begin();
  await world.database.pool.query('update cryptoracle.tokens set listed = token = any ($1)', [tokens]);
  world.simulator.configure({ coinList: 'short', unlistedTokens: new Set(others) });
  await world.restart({ TOKENS: 'all' });
  await world.until('the short list is doubted', async () => (await countRows(world, 'doubted_lists')) === 1);
  await world.answered(20);
  world.simulator.configure({ coinList: 'garbage' });
  await world.until('the garbage is doubted', async () => {
    await askForOpinion(world);
    return (await countRows(world, 'doubted_lists', 'unknown > 9000')) === 1;
  });
  world.simulator.configure({ coinList: 'whole' });
  await world.until('the list is believed', async () => {
    await askForOpinion(world);
    return (await countRows(world, 'doubted_lists')) === 0;
  });
  await world.restart({});
  world.simulator.configure({ unlistedTokens: new Set() });
}

/** Has the token list asked for again now, not only in ten minutes. */
async function askForOpinion(world: World): Promise<void> {
  await world.database.pool.query('update cryptoracle.doubted_lists set ask_at = now()');
  await world.tickAndWait('tokens-again');
}

async function countRows(
  world: World,
  table: 'requests' | 'suspects' | 'quarantine' | 'doubted_lists',
  condition = 'true',
): Promise<number> {
  const { rows } = await world.database.pool.query<{ count: number }>(
    `select count(*)::int as count from cryptoracle.${table} where ${condition}`,
  );
  return rows[0]?.count ?? 0;
}
