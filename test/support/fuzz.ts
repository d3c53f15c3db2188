/** How many times as thorough fuzzing is as in the suite: `FUZZ`, which `npm run fuzz` sets; 1 by default. */
const thoroughness = Math.max(1, Number(process.env.FUZZ) || 1);

/** @param inSuite runs that take the suite a second or two */
export const fuzzRuns = (inSuite: number): number => inSuite * thoroughness;
