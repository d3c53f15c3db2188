import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { read } from './files.ts';

const dockerfile = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ');
const instructions = dockerfile.split('\n').filter((line) => line.trim() !== '');
const final = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM')));

describe('the image', () => {
  it('runs as a user without rights, on what production needs', () => {
    const user = final.indexOf('USER node');
    expect(user).toBeGreaterThan(0);
    for (const line of final.slice(user)) expect(line).not.toMatch(/^(USER (?!node)|COPY|RUN)/);
    expect(final).toContain('ENV NODE_ENV=production');
    expect(instructions.join('\n')).toMatch(/npm ci [\s\S]*npm run build && npm prune --omit=dev/);
  });

  it('starts the built program, with everything by default', () => {
    expect(final.at(-2)).toBe('ENTRYPOINT ["node", "dist/cli.js"]');
    expect(final.at(-1)).toBe('CMD ["start"]');
    const manifest = z.object({ bin: z.object({ cryptoracle: z.string() }) });
    expect(manifest.parse(JSON.parse(read('package.json'))).bin.cryptoracle).toBe('dist/cli.js');
  });

  it('has the migrations beside its package.json, where the program looks for them', () => {
    expect(final).toContain('WORKDIR /app');
    expect(final).toContain('COPY package.json ./');
    expect(final).toContain('COPY migrations ./migrations');
    expect(final).toContain('COPY --from=build /app/dist ./dist');
  });

  const check = final.find((line) => line.startsWith('HEALTHCHECK')) ?? '';
  const [program = '', ...args] = z.array(z.string()).parse(JSON.parse(check.slice(check.indexOf('["'))));

  it('asks for its health without a Node of its own', () => {
    expect(program).toBe('bash');
  });

  it.each([
    [200, 0],
    [503, 1],
  ])('is, where /health answers %i, healthy or not', async (status, code) => {
    const asked: (string | undefined)[] = [];
    const server = createServer(({ url, headers }, response) => {
      asked.push(url, headers.host);
      response.writeHead(status).end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const probe = spawn(program, args, { env: { HTTP_PORT: port }, stdio: 'ignore' });
    const [exit] = await once(probe, 'exit');
    server.close();
    expect(exit).toBe(code);
    expect(asked).toEqual(['/health', '127.0.0.1']);
    const unheard = spawn(program, args, { env: { HTTP_PORT: port }, stdio: 'ignore' });
    expect((await once(unheard, 'exit'))[0]).not.toBe(0);
  });
});

describe('.dockerignore', () => {
  const lines = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const letIn = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));

  it('lets in what the Dockerfile copies, and nothing else', () => {
    expect(lines[0]).toBe('*');
    const copied = instructions
      .filter((line) => line.startsWith('COPY') && !line.includes('--from'))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    expect([...new Set(copied)].toSorted()).toEqual(letIn.toSorted());
  });
});
