/** What the API takes and gives. The page has its types from here, and the OpenAPI description is made of it. */
export * from './answers.ts';
export * from './questions.ts';
export * from './story.ts';
