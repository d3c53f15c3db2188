import { checkGrafana } from '../grafana/check.ts';

/** Asks a running Grafana whether all that is provisioned works: `npm run check:grafana -- ADDRESS PASSWORD`. */

const [address = 'http://127.0.0.1:3000', password = ''] = process.argv.slice(2);
const problems = await checkGrafana(address, password);
for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0
    ? 'every panel answers, every alert is evaluated and told'
    : `${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
