import type { z } from 'zod';
import type { ApiOptions } from '../routes/route.ts';

/**
 * What programs and assistants may ask alike: `/api/v1/NAME` and the tool NAME are one question. It only reads, with the
 * rights of readers.
 */
export interface Question {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly query: z.ZodObject;
  readonly answer: z.ZodObject;
  /** @param query as `query` has parsed it */
  ask(query: object): Promise<Record<string, unknown>>;
}

export type Questions = (options: ApiOptions) => readonly Question[];

interface TypedQuestion<Query extends z.ZodObject, Answer extends z.ZodObject> extends Question {
  readonly query: Query;
  readonly answer: Answer;
  ask(query: z.output<Query>): Promise<z.input<Answer>>;
}

/** A question whose answer fits the schema that it names. */
export function question<Query extends z.ZodObject, Answer extends z.ZodObject>(
  typed: TypedQuestion<Query, Answer>,
): Question {
  return typed;
}
