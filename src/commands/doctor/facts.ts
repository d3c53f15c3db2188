import type { Settings } from '../../config.ts';
import { type Fact, type Facts, readFacts, type StatedFacts, withStated } from '../../store/ledger/facts.ts';
import { statedRecords } from '../../store/ledger/record-rules.ts';
import type { Times } from '../times.ts';
import type { FoundDatabase } from './database.ts';
import { type Finding, ok, skipped, warning } from './finding.ts';

/** Says what the API was found to do, one finding for each fact: its value, how it was found, and when. */
export async function* listFacts(
  settings: Settings,
  { database, isCurrent }: FoundDatabase,
  times: Times,
): AsyncGenerator<Finding> {
  if (database === undefined || !isCurrent) {
    yield skipped('facts', 'the schema comes first');
    return;
  }
  const found = await readFacts(database);
  const counted = withStated(found, statedFacts(settings));
  const limit = counted.record_limit;
  yield describe(
    'day_start',
    `a day starts at ${counted.day_start.value} in Beijing`,
    counted.day_start,
    times,
  );
  yield describe('record_unit', `a record is a ${counted.record_unit.value}`, counted.record_unit, times);
  if (limit.found === 'setting' && found.record_limit.value < limit.value) {
    yield contradicted(limit.value, found.record_limit, times);
  } else yield describe('record_limit', `${limit.value} records in an answer at most`, limit, times);
  yield describe(
    'token_list',
    `the list of tokens is ${counted.token_list.value}`,
    counted.token_list,
    times,
  );
  yield describe(
    'empty_tags',
    `a request without tags is ${counted.empty_tags.value}`,
    counted.empty_tags,
    times,
  );
  yield describe('clock_offset', describeOffset(counted.clock_offset), counted.clock_offset, times);
}

function statedFacts(settings: Settings): StatedFacts {
  const { dayStart } = settings;
  return { ...statedRecords(settings), day_start: dayStart === 'auto' ? undefined : dayStart };
}

const origins: Readonly<Record<Fact<unknown>['found'], string>> = {
  assumed: 'assumed: nothing has shown it yet',
  answered: 'an answer showed it',
  calibrated: 'found by doctor --calibrate',
  setting: 'a setting says so',
};

function originOf({ found, detail, since }: Facts[keyof Facts], times: Times): string {
  const what = found === 'answered' && detail !== undefined ? `${origins[found]}: ${detail}` : origins[found];
  return since === undefined ? what : `${what}, ${times.second(since)} (${times.zone})`;
}

const describe = (name: string, what: string, fact: Facts[keyof Facts], times: Times) =>
  ok(name, `${what} (${originOf(fact, times)})`);

const contradicted = (stated: number, found: Facts['record_limit'], times: Times) =>
  warning(
    'record_limit',
    `RECORD_LIMIT says ${stated} records in an answer, but ${found.value} was found (${originOf(found, times)})`,
    `set RECORD_LIMIT=${found.value}, or leave it out: each larger request takes further calls`,
  );

function describeOffset({ value, found }: Facts['clock_offset']): string {
  if (found === 'assumed') return "the API's clock agrees with ours";
  const seconds = (Math.abs(value) / 1000).toFixed(1);
  return `the API's clock is ${seconds} s ${value < 0 ? 'behind' : 'ahead of'} ours`;
}
