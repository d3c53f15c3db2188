import { rulesToGrafana } from './alerts.ts';
import { contactPointToGrafana } from './contact.ts';
import { dashboards } from './dashboards.ts';
import { toGrafana } from './model.ts';

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

/** Every generated file, by its path below `grafana/`. */
export const files: ReadonlyMap<string, string> = new Map([
  ...dashboards.map((each) => [`dashboards/${each.uid}.json`, json(toGrafana(each))] as const),
  ['provisioning/alerting/contact-points.json', json(contactPointToGrafana())],
  ['provisioning/alerting/rules.json', json(rulesToGrafana())],
]);
