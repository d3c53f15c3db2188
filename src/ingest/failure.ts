/** Why a request was not answered, as `Ingestor` throws it: the queue and the backfills decide by its kind. */
export { ApiFailure, type FailureKind } from '../api/failure.ts';
