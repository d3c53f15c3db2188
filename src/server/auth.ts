import { createHmac } from 'node:crypto';
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import rateLimit from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import { isAuthorized, isLoopback, isSameToken } from './access.ts';
import { renderSignIn } from './sign-in.ts';

/** Who comes in: everybody on this machine, whoever sends a token, and whoever has signed in with one. */

/** What a request may do; the later includes the earlier. */
export type Access = 'none' | 'read' | 'write';

declare module 'fastify' {
  interface FastifyRequest {
    /** What this request may do. */
    access: Access;
  }
  interface FastifyContextConfig {
    /** Whether the route is for everybody: it tells nothing about the data. */
    readonly isOpen?: boolean;
    /** Whether the route changes something. */
    readonly writes?: boolean;
  }
}

export interface AuthOptions {
  readonly settings: Pick<Settings, 'httpHost' | 'httpToken' | 'httpWriteToken'>;
  readonly clock: Clock;
}

const cookieName = 'cryptoracle_session';

/** How long a sign-in lasts, in milliseconds. */
const sessionLength = 7 * 86_400_000;

/** Guesses at a token from one address. */
const signInLimit = { max: 10, timeWindow: 60_000 };

/** Far more than pages and scrapers of one address ask for. */
const requestLimit = { max: 1800, timeWindow: 60_000 };

/**
 * Guards every route of the server: refuses foreign host names where nothing but the address protects, requests without
 * access, and writing without the token for it. Serves `/sign-in` and `/sign-out`.
 */
export const auth = plugin<AuthOptions>(async (app, options) => {
  const { settings, clock } = options;
  await app.register(cookie, { secret: cookieSecret(settings) });
  await app.register(formbody);
  await app.register(rateLimit, {
    ...requestLimit,
    hook: 'onRequest',
    allowList: (request) => request.routeOptions.config.isOpen === true && request.method === 'GET',
  });
  app.decorateRequest('access', 'none');

  app.addHook('onRequest', async (request, reply) => {
    request.access = accessOf(request, options);
    const { isOpen = false, writes = false } = request.routeOptions.config;
    if (!isOpen && !isOwnName(request, settings)) {
      return reply.code(421).send({ error: 'this server answers to the name of this machine only' });
    }
    if (isOpen) return;
    if (request.access === 'none') return refuse(request, reply);
    if (writes) return guardWriting(request, reply, settings.httpWriteToken);
  });

  app.get('/sign-in', { config: { isOpen: true } }, async (request, reply) => {
    const { failed } = z.object({ failed: z.string().optional() }).parse(request.query);
    return reply
      .type('text/html; charset=utf-8')
      .send(renderSignIn(failed === undefined ? 'fresh' : 'wrong'));
  });

  app.post('/sign-in', { config: { isOpen: true, rateLimit: signInLimit } }, async (request, reply) => {
    if (isCrossSite(request)) return reply.code(403).send({ error: 'sign in on the page itself' });
    const form = z.object({ token: z.string().max(1000) }).safeParse(request.body);
    const granted = form.success ? grantedBy(form.data.token.trim(), settings) : 'none';
    if (granted === 'none') return reply.redirect('/sign-in?failed', 303);
    const value = `${granted}.${clock.now() + sessionLength}`;
    reply.setCookie(cookieName, value, {
      path: '/',
      signed: true,
      httpOnly: true,
      sameSite: 'strict',
      secure: request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https',
      maxAge: sessionLength / 1000,
    });
    return reply.redirect('/', 303);
  });

  app.post('/sign-out', { config: { isOpen: true } }, async (request, reply) => {
    if (isCrossSite(request)) return reply.code(403).send({ error: 'sign out on the page itself' });
    return reply.clearCookie(cookieName, { path: '/' }).redirect('/', 303);
  });
});

/** Another token signs everybody out: what was signed with the old one is worth nothing. */
function cookieSecret({ httpToken = '', httpWriteToken = '' }: AuthOptions['settings']): string {
  return createHmac('sha256', `${httpToken}\n${httpWriteToken}`).update('cryptoracle session').digest('hex');
}

/** What a token opens. */
function grantedBy(token: string, { httpToken, httpWriteToken }: AuthOptions['settings']): Access {
  if (httpWriteToken !== undefined && isSameToken(token, httpWriteToken)) return 'write';
  if (httpToken !== undefined && isSameToken(token, httpToken)) return 'read';
  return 'none';
}

function accessOf(request: FastifyRequest, { settings, clock }: AuthOptions): Access {
  const { httpToken, httpWriteToken } = settings;
  const { authorization } = request.headers;
  if (httpWriteToken !== undefined && isAuthorized(authorization, httpWriteToken)) return 'write';
  const session = sessionOf(request, clock.now());
  if (session === 'write' && httpWriteToken !== undefined) return 'write';
  if (httpToken === undefined || session === 'read' || isAuthorized(authorization, httpToken)) return 'read';
  return 'none';
}

function sessionOf(request: FastifyRequest, now: number): Access {
  const signed = request.cookies[cookieName];
  if (signed === undefined) return 'none';
  const { valid, value } = request.unsignCookie(signed);
  const [, access, until] = /^(read|write)\.(\d+)$/.exec(valid ? value : '') ?? [];
  if (access === undefined || Number(until) <= now) return 'none';
  return access === 'write' ? 'write' : 'read';
}

/**
 * Whether the request names a host that this server is known by. Without a token the address alone protects: a page from
 * elsewhere whose name was made to lead here (DNS rebinding) must not read with the visitor's browser.
 */
function isOwnName(request: FastifyRequest, { httpHost, httpToken }: AuthOptions['settings']): boolean {
  if (httpToken !== undefined || !isLoopback(httpHost)) return true;
  return isLoopback(request.hostname.replace(/^\[(.*)\]$/, '$1'));
}

/** Whether a browser says that another site's page sends this. Programs send neither header. */
export function isCrossSite({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  if (headers.origin === undefined) return false;
  return !URL.canParse(headers.origin) || new URL(headers.origin).host !== headers.host;
}

/** Addresses that people open in a browser. */
const pages: ReadonlySet<string> = new Set(['/', '/queues', '/queues/']);

/** A browser is shown the form; a program is told the header. */
function refuse(request: FastifyRequest, reply: FastifyReply) {
  const isPage = request.method === 'GET' && pages.has(request.routeOptions.url ?? '');
  if (isPage && request.headers.accept?.includes('text/html') === true)
    return reply.redirect('/sign-in', 303);
  reply.code(401).header('www-authenticate', 'Bearer realm="cryptoracle"');
  if (isPage) return reply.type('text/html; charset=utf-8').send(renderSignIn('fresh'));
  return reply.send({ error: 'needs the header Authorization: Bearer HTTP_TOKEN' });
}

function guardWriting(request: FastifyRequest, reply: FastifyReply, writeToken: string | undefined) {
  if (writeToken === undefined) {
    return reply.code(403).send({ error: 'this server only reads; HTTP_WRITE_TOKEN allows more' });
  }
  if (request.access !== 'write') {
    return reply.code(403).send({ error: 'needs HTTP_WRITE_TOKEN: sign in with it, or send it as bearer' });
  }
  if (isCrossSite(request)) return reply.code(403).send({ error: 'another site may not write here' });
  return undefined;
}
