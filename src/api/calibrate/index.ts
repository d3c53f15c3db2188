export { type Calibration, CallsSpent, calibrate, describeProbe, settingsOf } from './calibrate.ts';
export type { Ask, FoundFacts, Outcome } from './facts.ts';
export { mailFor, settledBy } from './mail.ts';
export type { Probe } from './search.ts';
export { verdictOf } from './verdict.ts';
