import { createServer } from 'node:http';
import { decrypt, encrypt } from '../../src/api/dialects/cipher.ts';
import { formatBeijing, parseBeijing } from '../../src/beijing.ts';
import { sampleCredentials } from '../../src/simulator/index.ts';

/** What was asked, decrypted. */
export interface Business {
  readonly token: readonly string[];
  readonly startTime: string;
  readonly endTime: string;
  readonly endpoints: readonly string[];
  readonly tags: readonly string[];
}

/** A code, or the answer's payload. */
export type Reply = number | unknown[];

/** An API whose every answer a test decides; for what the simulator does not do. */
export async function startScriptedApi(reply: (business: Business) => Reply) {
  const asked: Business[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const envelope = JSON.parse(Buffer.concat(chunks).toString()) as { data: string };
      const business = JSON.parse(decrypt(envelope.data, sampleCredentials, 'base64')) as Business;
      asked.push(business);
      const answer = reply(business);
      const body =
        typeof answer === 'number'
          ? { code: answer, msg: 'scripted' }
          : { code: 200, msg: 'success', data: encrypt(JSON.stringify(answer), sampleCredentials, 'base64') };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/openapi`,
    credentials: sampleCredentials,
    asked,
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

const day = 86_400_000;

/** Every cell of a 1d question answered with 1, from a given window on. */
export function fullAnswer(business: Business, from = 0): unknown[] {
  const start = parseBeijing(business.startTime) ?? 0;
  const end = parseBeijing(business.endTime) ?? 0;
  const starts: number[] = [];
  for (let each = start; each < end; each += day) if (each >= from) starts.push(each);
  return business.token.map((token) => ({
    token,
    endPoints: starts.map((each) => ({
      startTime: formatBeijing(each),
      endTime: formatBeijing(each + day),
      data: business.endpoints.map((endpoint) => ({ endpoint, value: '1' })),
    })),
    tags: business.tags.map((tag) => ({ tag, value: 'label' })),
  }));
}
