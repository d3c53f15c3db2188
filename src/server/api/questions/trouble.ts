import { listOrders } from '../orders.ts';
import {
  readEventPage,
  readFailures,
  readNotes,
  readQuarantinePage,
  readRefusals,
  readRequests,
  readRevisions,
  readSuspendedRules,
} from '../queries/lists.ts';
import * as schemas from '../schemas/index.ts';
import { type Questions, question } from './question.ts';

/** Events, calls, refusals, quarantine, doubts, changes and backfills. */
export const troubleQuestions: Questions = ({ reading }) => [
  question({
    name: 'requests',
    title: 'Calls',
    summary: 'Calls of the API, the newest first',
    query: schemas.requestsQuery,
    answer: schemas.requests,
    ask: (query) => readRequests(reading, query),
  }),
  question({
    name: 'events',
    title: 'Events',
    summary: 'What happened, the newest first: outages, refusals, starts, what was learned',
    query: schemas.eventsQuery,
    answer: schemas.events,
    ask: (query) => readEventPage(reading, query),
  }),
  question({
    name: 'failures',
    title: 'Failed calls',
    summary: 'Failed calls by kind',
    query: schemas.failuresQuery,
    answer: schemas.failures,
    ask: (query) => readFailures(reading, query),
  }),
  question({
    name: 'refusals',
    title: 'Refused metrics',
    summary: 'Metrics and tags that the subscription does not include',
    query: schemas.noQuery,
    answer: schemas.refusals,
    ask: () => readRefusals(reading),
  }),
  question({
    name: 'quarantine',
    title: 'Quarantine',
    summary: 'What the API sent and could not be stored',
    query: schemas.quarantineQuery,
    answer: schemas.quarantine,
    ask: (query) => readQuarantinePage(reading, query),
  }),
  question({
    name: 'notes',
    title: 'Doubtful values',
    summary: 'Stored values that are hard to believe',
    query: schemas.notesQuery,
    answer: schemas.notes,
    ask: (query) => readNotes(reading, query),
  }),
  question({
    name: 'suspended-rules',
    title: 'Suspended quality rules',
    summary: 'Rules of the quality checks that fire on too many values to be right, and make no notes',
    query: schemas.suspendedRulesQuery,
    answer: schemas.suspendedRules,
    ask: (query) => readSuspendedRules(reading, query),
  }),
  question({
    name: 'revisions',
    title: 'Changed values',
    summary: 'Values that changed or came late',
    query: schemas.revisionsQuery,
    answer: schemas.revisions,
    ask: (query) => readRevisions(reading, query),
  }),
  question({
    name: 'orders',
    title: 'Backfills',
    summary: 'Backfills, the newest first',
    query: schemas.ordersQuery,
    answer: schemas.orders,
    ask: (query) => listOrders(reading, query),
  }),
];
