import { backfillsDescription } from './backfills.ts';
import { breakerDescription } from './breaker.ts';
import { coverageDescription } from './coverage.ts';
import type { TableDescription } from './description.ts';
import { doubtedListsDescription } from './doubted-lists.ts';
import { droppedDescription } from './dropped.ts';
import { entitlementsDescription } from './entitlements.ts';
import { eventsDescription } from './events.ts';
import { factsDescription } from './facts.ts';
import { metricCatalogDescription } from './metric-catalog.ts';
import { notificationsDescription } from './notifications.ts';
import { paceDescription } from './pace.ts';
import { qualityDueDescription } from './quality-due.ts';
import { qualityNotesDescription } from './quality-notes.ts';
import { qualityRulesDescription } from './quality-rules.ts';
import { quarantineDescription } from './quarantine.ts';
import { refreshedDescription } from './refreshed.ts';
import { requestsDescription } from './requests.ts';
import { revisionsDescription } from './revisions.ts';
import { storedDaysDescription } from './stored-days.ts';
import { suspectsDescription } from './suspects.ts';
import { tagCatalogDescription } from './tag-catalog.ts';
import { tokenTagsDescription } from './token-tags.ts';
import { tokensDescription } from './tokens.ts';
import { wantedDescription } from './wanted.ts';

export { backfills } from './backfills.ts';
export { breaker } from './breaker.ts';
export { coverage } from './coverage.ts';
export { doubtedLists } from './doubted-lists.ts';
export { dropped } from './dropped.ts';
export { entitlements } from './entitlements.ts';
export { events } from './events.ts';
export { facts } from './facts.ts';
export { metricCatalog } from './metric-catalog.ts';
export * from './metrics.ts';
export { notifications } from './notifications.ts';
export { pace } from './pace.ts';
export { qualityDue } from './quality-due.ts';
export { qualityNotes } from './quality-notes.ts';
export { type QualityExample, qualityRules } from './quality-rules.ts';
export { quarantine } from './quarantine.ts';
export { refreshed } from './refreshed.ts';
export { requests } from './requests.ts';
export { revisions } from './revisions.ts';
export { storedDays } from './stored-days.ts';
export { suspects } from './suspects.ts';
export { tagCatalog } from './tag-catalog.ts';
export { tokenTags } from './token-tags.ts';
export { tokens } from './tokens.ts';
export { cryptoracle } from './types.ts';
export { wanted } from './wanted.ts';

/** Every table but those of values, with what people are told of it and what roles may do with it. */
export const describedTables: readonly TableDescription[] = [
  backfillsDescription,
  breakerDescription,
  coverageDescription,
  droppedDescription,
  doubtedListsDescription,
  entitlementsDescription,
  eventsDescription,
  factsDescription,
  metricCatalogDescription,
  notificationsDescription,
  paceDescription,
  qualityDueDescription,
  qualityNotesDescription,
  qualityRulesDescription,
  quarantineDescription,
  refreshedDescription,
  requestsDescription,
  revisionsDescription,
  storedDaysDescription,
  suspectsDescription,
  tagCatalogDescription,
  tokenTagsDescription,
  tokensDescription,
  wantedDescription,
];
