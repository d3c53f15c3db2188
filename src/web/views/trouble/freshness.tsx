import type { TokensFreshness } from '../../../server/api/types.ts';
import { change, linkTo } from '../../address.ts';
import { count, percent } from '../../format.ts';
import { type Column, Select, Time } from '../../parts/parts.tsx';
import { Filtered, filter } from './filtered.tsx';

const columns: readonly Column<TokensFreshness['items'][number]>[] = [
  { name: 'Token', show: ({ token }) => <a href={linkTo('explorer', { token })}>{token}</a> },
  { name: 'Granularity', show: ({ granularity }) => granularity },
  { name: 'Newest value', show: ({ newest }) => (newest === null ? 'none' : <Time at={newest} />) },
  {
    name: 'Windows behind',
    isNumber: true,
    show: ({ windowsBehind }) => (windowsBehind === null ? '–' : count(windowsBehind)),
  },
  {
    name: 'Usually has',
    isNumber: true,
    show: ({ usualShare }) => (usualShare === null ? '–' : percent(usualShare)),
  },
  { name: '', show: ({ isLate }) => isLate === true && <span class="tag bad">late</span> },
];

/** Tokens that have gone quiet. */
export function FreshnessList() {
  return (
    <Filtered
      path="/freshness"
      query={{ late: filter('late') }}
      columns={columns}
      caption="How far each token has come"
      empty="No token matches."
    >
      <Select
        label="Show"
        value={filter('late')}
        options={[
          ['', 'all, the quietest first'],
          ['true', 'those that are late'],
        ]}
        onChange={(late) => change({ late })}
      />
    </Filtered>
  );
}
