import type { ApiVersion } from '../../catalog/index.ts';
import type { Dialect } from '../dialect.ts';
import { isJson, parseJson } from '../json.ts';
import { businessOf } from './business.ts';
import { openEnvelope } from './envelope.ts';

const keyHeader = 'X-API-KEY';

/** A header with the key, and plain JSON both ways (v1.2 and v2.1 pages). */
export function plainDialect(version: Exclude<ApiVersion, 'v1'>): Dialect {
  return {
    version,
    secrets: ['apiKey'],
    fields: { windows: 'timePeriods' },
    encode: (question, { apiKey }) => ({
      path: `${version}/${question.call}`,
      headers: { [keyHeader]: apiKey },
      body: JSON.stringify(businessOf(question, 'left out')),
    }),
    open: (reply, credentials, now) =>
      openEnvelope(reply, credentials, now, { payload: ['data', 'result'], open: (text) => text }),
    server: {
      read({ headers, body }, { apiKey }) {
        const key = headers[keyHeader.toLowerCase()];
        if (key !== apiKey) return { refusal: { code: 202, message: `unauthorized: ${keyHeader}` } };
        try {
          const business = parseJson(body, 201);
          if (isJson(business)) return { business };
        } catch {
          // A body that is no JSON is refused like one that is no object.
        }
        return { refusal: { code: 201, message: 'the body is not a JSON object' } };
      },
      payload: 'data',
    },
  };
}
