import { createDecipheriv } from 'node:crypto';
import { decodeAnswer } from '../../src/api/decode.ts';
import { encrypt } from '../../src/api/dialects/cipher.ts';
import { dialectOf } from '../../src/api/dialects/index.ts';
import { questionOf } from '../../src/api/question.ts';
import { bundledCatalogue } from '../../src/catalog/index.ts';
import { sampleCredentials } from '../../src/simulator/index.ts';
import { median, thousands } from '../figure.ts';
import { plan } from '../recorder/index.ts';
import type { Bench } from '../world.ts';

const answersARound = 60;

/** Opens an answer with nothing but node's own functions. */
function decipher(ciphertext: string): unknown {
  const { dataSecret, dataIv } = sampleCredentials;
  const cipher = createDecipheriv('aes-128-cbc', dataSecret, dataIv);
  return JSON.parse(cipher.update(ciphertext, 'base64', 'utf8') + cipher.final('utf8'));
}

function timed(work: () => unknown): number {
  const started = performance.now();
  for (let run = 0; run < answersARound; run++) work();
  return (performance.now() - started) / answersARound;
}

export const decode: Bench = {
  name: 'decode',
  about: 'a full answer decrypted, parsed, checked and made columns, against decipher + JSON.parse alone',
  needsDatabase: false,
  async run(world) {
    const recorder = await world.recorder();
    const [request] = (await plan(world.tokens, 3)).filter(({ granularity }) => granularity === '15m');
    if (request === undefined) throw new Error('the plan has no request for 15m');
    const payload = await recorder.client().fetchMetrics(questionOf(request, bundledCatalogue));
    const data = encrypt(JSON.stringify(payload), sampleCredentials, 'base64');
    const body = JSON.stringify({ code: 200, msg: 'success', data });
    const dialect = dialectOf('v1');
    const ours = () =>
      decodeAnswer(dialect.open({ status: 200, retryAfter: null, body }, sampleCredentials, 0), request);
    const plain = () => decipher((JSON.parse(body) as { data: string }).data);
    timed(ours);
    timed(plain);
    const rounds = Array.from({ length: world.size.rounds }, () => ({
      ours: timed(ours),
      plain: timed(plain),
    }));
    const ratio = median(rounds.map((round) => round.plain / round.ours));
    const milliseconds = median(rounds.map((round) => round.ours));
    return [
      {
        name: 'decode ÷ decipher and parse',
        value: ratio,
        unit: '×',
        goal: { atLeast: 0.6 },
        detail: `${thousands(ours().values)} values, ${milliseconds.toFixed(2)} ms`,
      },
    ];
  },
};
