import type { Packer, PackingRules } from '../../planning/packing.ts';
import type { RecordUnit } from '../../planning/request.ts';
import type { Database } from '../connection/database.ts';
import { type Facts, readFacts, type StatedFacts, withStated } from './facts.ts';

/** What counts as a record of an answer, and how many there may be: settings first, then what was found, then the API page. */

/** What settings say of records; absent where they leave it to what is found. */
export type StatedRecords = Pick<StatedFacts, 'record_limit' | 'record_unit' | 'empty_tags'>;

/** The settings that records depend on. */
export interface RecordSettings {
  /** Names of the settings that were given; the others have their defaults. */
  readonly given: ReadonlySet<string>;
  readonly recordLimit: number;
  readonly recordUnit: RecordUnit;
  readonly wire: { readonly tags: 'empty' | 'one' };
}

/** A default says nothing: what was found counts for more. */
export function statedRecords({ given, recordLimit, recordUnit, wire }: RecordSettings): StatedRecords {
  return {
    record_limit: given.has('RECORD_LIMIT') ? recordLimit : undefined,
    record_unit: given.has('RECORD_UNIT') ? recordUnit : undefined,
    empty_tags: wire.tags === 'one' ? 'refused' : undefined,
  };
}

export function rulesOf({ record_limit, record_unit, empty_tags }: Facts): PackingRules {
  const extraRecords = empty_tags.value === 'refused' ? 1 : 0;
  // Beside a tag that is sent always there must be room for a value.
  const limit = Math.max(record_limit.value, extraRecords + 1);
  return { limit, unit: record_unit.value, extraRecords };
}

/** The rules as they count now. */
export async function readRecordRules(database: Database, stated: StatedRecords): Promise<PackingRules> {
  return rulesOf(withStated(await readFacts(database), stated));
}

/** Has a packer follow what is known of records by now. @returns the rules that it follows */
export async function followRecords(
  packer: Packer,
  database: Database,
  settings: RecordSettings,
): Promise<PackingRules> {
  const rules = await readRecordRules(database, statedRecords(settings));
  packer.follow(rules);
  return rules;
}
