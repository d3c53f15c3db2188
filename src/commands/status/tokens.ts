import type { TokenFreshness } from '../../store/reports/freshness.ts';
import { count, percent, printJson, printTable } from '../output.ts';
import type { Times } from '../times.ts';

/** How fresh single tokens are. @returns the exit code */
export function printTokens(tokens: readonly TokenFreshness[], json: boolean, times: Times): number {
  if (json) {
    printJson(
      tokens.map(({ newest, ...token }) => ({
        ...token,
        newest: newest === undefined ? null : new Date(newest).toISOString(),
      })),
    );
  } else {
    printTable(
      ['token', '', `newest stored (${times.zone})`, 'behind', 'usually has', 'late'],
      tokens.map((each) => [
        each.token,
        each.granularity,
        times.minute(each.newest),
        each.windowsBehind === null ? '-' : count(each.windowsBehind),
        each.usualShare === null ? '-' : percent(each.usualShare, 1),
        each.isLate === true ? 'LATE' : '',
      ]),
    );
  }
  return 0;
}
