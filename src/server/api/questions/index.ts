import { dataQuestions } from './data.ts';
import type { Questions } from './question.ts';
import { troubleQuestions } from './trouble.ts';

/** Everything that may be asked, of programs over HTTP and of assistants. */
export const questionsOf: Questions = (options) => [...dataQuestions(options), ...troubleQuestions(options)];
