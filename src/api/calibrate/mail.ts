import type { Calibration } from './calibrate.ts';
import type { Verdict } from './verdict.ts';

/** A mail to the vendor, ready to send, where nothing that was tried was granted access. It holds no secret. */
export function mailFor({ verdicts }: Pick<Calibration, 'verdicts'>, baseUrl: string, calls: number): string {
  const seen = [...verdicts].map(([verdict, count]) => `${verdict}: ${count}`).join(', ');
  return [
    'Subject: How requests to the Open API are signed and encrypted',
    '',
    'Hello,',
    '',
    `we cannot get access to ${baseUrl}. The code samples of the Open API page are missing, so we tried ${calls} ways of`,
    `writing a request; what the API objected to, and how often: ${seen}.`,
    '',
    'Could you please send us, for the sample credentials of your page, one complete request to /v1/endpoint as it goes over',
    'the wire (headers and body), the string that is signed, and the answer? In particular:',
    '',
    ...questions(verdicts).map((question) => `- ${question}`),
    '',
    'Thank you.',
  ].join('\n');
}

function questions(verdicts: Calibration['verdicts']): readonly string[] {
  const has = (verdict: 'key' | 'signature' | 'parameters') => verdicts.has(verdict);
  return [
    'Which versions of the API (v1, v2, v2.1) does our key have access to, and is the address that we call from on its whitelist?',
    ...(has('key')
      ? ['What is the parameter with the API key called, and is it a header or a part of the body?']
      : []),
    ...(has('signature')
      ? [
          'Which parameters are signed, in which order, how are lists written, and is the digest hex or base64, in which case?',
        ]
      : []),
    ...(has('parameters')
      ? [
          'What is the parameter with the encrypted text called, and is it base64 or hex?',
          'Is there a timestamp or a nonce, in which format, and are they signed?',
        ]
      : []),
  ];
}

/** The sentence for each verdict, where it was given most often. */
const settledWhere: Readonly<Record<Verdict, string>> = {
  granted: 'access is granted',
  parameters:
    'in most calls a parameter, or the payload, was found wrong: the key and the signature were right, or not looked at',
  signature: 'the key was accepted; no signature was',
  key: "no key was accepted: your address may not be on the key's whitelist, or the key is wrong",
  unserved:
    'no version of the API is served at this address: CRYPTORACLE_BASE_URL may lack its path, such as /openapi',
  unknown: 'nothing was settled: the API gave no code that tells',
};

/** Tells a person in a sentence which questions the codes settled, and which not. */
export function settledBy(verdicts: Calibration['verdicts']): string {
  const telling = [...verdicts].filter(([verdict]) => verdict !== 'unserved' && verdict !== 'unknown');
  const [most] = (telling.length > 0 ? telling : [...verdicts]).toSorted(([, a], [, b]) => b - a);
  return settledWhere[most?.[0] ?? 'unknown'];
}
