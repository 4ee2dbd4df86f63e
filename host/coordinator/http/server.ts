// The HTTP server of a site: limits, who is calling, checks by the schemas of the table of routes, and refusals in one form.
import { readFile } from 'node:fs/promises';
import rateLimit from '@fastify/rate-limit';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { GenericSchema } from 'valibot';
import { type ERRORS, LodgerError } from '../../../runtime/base/errors.ts';
import { check, refuseInherited } from '../../../runtime/base/schema.ts';
import { packageFile } from '../../platform/version.ts';
import { CALLER } from '../../wire/ceilings.ts';
import { API, ROUTES, type Route, type RouteName } from '../../wire/routes.ts';
import type { Known } from '../accounts.ts';
import { ANONYMOUS } from '../belief.ts';
import { DOOR } from '../ceilings.ts';
import type { Proxies } from './address.ts';
import { type Auth, isOfOwnPage, NOT_KNOWN, NOT_OWN_PAGE } from './auth.ts';
import type { Call, Handlers } from './call.ts';
import type { Metrics } from './metrics.ts';
import { answerOrigins } from './origins.ts';
import { addPages } from './pages.ts';
import { Windows } from './windows.ts';

/** Key and certificate, in PEM. */
export interface Tls {
  readonly key: string;
  readonly cert: string;
}

export interface ServerParts {
  readonly auth: Auth;
  readonly handlers: Handlers;
  readonly log: FastifyBaseLogger;
  readonly tls?: Tls;
  readonly metrics: Metrics;
  readonly proxies: Proxies;
  /** Origins whose pages may lend tabs to this site. */
  readonly embed: readonly string[];
  /** How long a request may take to come in. */
  readonly requestMs?: number | undefined;
}

const OCTETS = 'application/octet-stream';
const OPENAPI = packageFile('schemas/openapi.json');

/** A server that serves every route of the table; it does not listen yet. */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const { log, tls, auth, proxies, metrics, embed, requestMs = DOOR.requestMs.default } = parts;
  const known = new WeakMap<FastifyRequest, Known>();
  const http = {
    // Of what is to come in within less, its head is, too.
    headersTimeout: Math.min(DOOR.headersMs.default, requestMs),
    connectionsCheckingInterval: DOOR.checkMs.default,
  };
  const options = {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: CALLER.bodyBytes.max,
    requestTimeout: requestMs,
    forceCloseConnections: true,
    trustProxy: (address: string) => proxies.trusts(address),
  };
  const server: FastifyInstance = tls
    ? (fastify({ ...options, https: { ...http, ...tls } }) as unknown as FastifyInstance)
    : fastify({ ...options, http });
  server.server.maxConnections = DOOR.connections.max;

  server.addHook('onRequest', async (request) => {
    const found = auth.who(request.headers);
    if (found) known.set(request, found);
  });
  answerOrigins(server, embed);
  await server.register(rateLimit, {
    global: true,
    timeWindow: 10_000,
    store: Windows,
    ...rates((request) => known.get(request)),
    errorResponseBuilder: (_, { max, after }) =>
      new LodgerError('ERR_QUOTA_SPENT', ['requests', max, `try again in ${after}`]),
  });
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.onAnswer(`${request.method} ${route}`, reply.statusCode, reply.elapsedTime);
    log.debug({ route, status: reply.statusCode, ms: reply.elapsedTime }, 'answered');
  });
  server.setValidatorCompiler(
    ({ schema }) =>
      (data: unknown) =>
        checked(schema as unknown as GenericSchema, data),
  );
  server.setErrorHandler((error, request, reply) => refuse(error, reply, { isKnown: known.has(request), log }));
  server.setNotFoundHandler({ preHandler: server.rateLimit() }, (request, reply) => {
    const error = new LodgerError('ERR_NOT_FOUND', ['route', `${request.method} ${request.url.slice(0, 200)}`]);
    return refuse(error, reply, { isKnown: known.has(request), log });
  });
  await addRoutes(server, parts, known);
  return server;
}

async function addRoutes(
  server: FastifyInstance,
  { handlers, auth, metrics, embed }: ServerParts,
  known: WeakMap<FastifyRequest, Known>,
) {
  const names = Object.keys(ROUTES) as RouteName[];
  const add = (scope: FastifyInstance, name: RouteName) => {
    const route: Route = ROUTES[name];
    const { params, query: querystring, body } = route;
    scope.route({
      method: route.method,
      url: API + route.path,
      schema: Object.fromEntries(Object.entries({ params, querystring, body }).filter(([, schema]) => schema)),
      ...(route.takes === 'frames' && { bodyLimit: CALLER.inputsBytes.max }),
      // After the requests were counted, before a body is read.
      preParsing: async (request, reply, payload) => {
        mustBeAllowed(route, known.get(request), request, auth);
        reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
        return payload;
      },
      handler: (request, reply) => handlers[name](callOf(request, reply, known) as never),
    });
  };
  await server.register(async (scope) => {
    scope.removeContentTypeParser('text/plain');
    scope.addContentTypeParser(OCTETS, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const name of names) if (name !== 'putBlob') add(scope, name);
  });
  await server.register(async (scope) => {
    // The bytes of a blob go to disk as they come.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    add(scope, 'putBlob');
  });
  server.get('/metrics', async (request, reply) => {
    mustBeAllowed({ roles: [] }, known.get(request), request, auth);
    return reply.type(metrics.type).send(await metrics.read());
  });
  server.get('/healthz', async () => ({ state: 'ok' }));
  server.get(`${API}/openapi.json`, async (_request, reply) => {
    return reply.type('application/json').send(await readFile(OPENAPI));
  });
  await addPages(server, embed);
}

function callOf(request: FastifyRequest, reply: FastifyReply, known: WeakMap<FastifyRequest, Known>): Call<RouteName> {
  const { params, query, body } = request;
  const control = new AbortController();
  reply.raw.once('close', () => control.abort());
  const caller = known.get(request) ?? { account: '', role: 'host', token: '' };
  return { caller, params, query, body, request, reply, signal: control.signal } as Call<RouteName>;
}

function mustBeAllowed(
  route: Pick<Route, 'roles'>,
  caller: Known | undefined,
  request: FastifyRequest,
  auth: Auth,
): void {
  if (route.roles === 'anyone') return;
  if (!caller)
    throw new LodgerError('ERR_ACCESS_DENIED', [
      request.headers.authorization === undefined ? 'give a token, as "Authorization: Bearer TOKEN"' : NOT_KNOWN,
    ]);
  if (caller.role !== 'operator' && !route.roles.includes(caller.role)) {
    const wanted = [...route.roles, 'operator'].join(' or ');
    throw new LodgerError('ERR_ACCESS_DENIED', [`this takes the role ${wanted}, the token has ${caller.role}`]);
  }
  // A browser sends cookies for pages of others, too, but says whose page it was.
  if (request.method === 'GET' || !auth.byCookie(request.headers)) return;
  if (!isOfOwnPage(request)) throw new LodgerError('ERR_ACCESS_DENIED', [NOT_OWN_PAGE]);
}

function checked(schema: GenericSchema, data: unknown): { readonly value: unknown } | { readonly error: Error } {
  try {
    refuseInherited(data, 'ERR_OPTION_INVALID');
    return { value: check(schema, data) };
  } catch (error) {
    return { error: error as Error };
  }
}

/** By whom requests are counted, and how many are taken. Visits cost nothing, so those of an address count together. */
function rates(find: (request: FastifyRequest) => Known | undefined) {
  return {
    keyGenerator: (request: FastifyRequest) => {
      const { account, token } = find(request) ?? {};
      return account === ANONYMOUS ? `visits ${request.ip}` : (token ?? request.ip);
    },
    max: (request: FastifyRequest) => {
      const { account } = find(request) ?? {};
      if (account === undefined) return DOOR.requestsAnonymous.max;
      return account === ANONYMOUS ? DOOR.requestsVisitors.max : DOOR.requestsKnown.max;
    },
  };
}

const STATUS: Readonly<Partial<Record<keyof typeof ERRORS, number>>> = {
  ERR_NOT_FOUND: 404,
  ERR_QUOTA_SPENT: 429,
  ERR_POLICY_EXCEEDED: 403,
  ERR_BLOB_MISMATCH: 422,
  ERR_FILE: 507,
  ERR_CLOSED: 503,
};

function refuse(
  error: unknown,
  reply: FastifyReply,
  { isKnown, log }: { readonly isKnown: boolean; readonly log: FastifyBaseLogger },
): FastifyReply {
  const { status, code, message } = refusalOf(error, isKnown);
  if (status >= 500) log.error({ err: error }, 'a request failed');
  if (status === 401) reply.header('www-authenticate', 'Bearer').header('connection', 'close');
  return reply.code(status).type('application/json').send({ code, message });
}

function refusalOf(error: unknown, isKnown: boolean) {
  if (error instanceof LodgerError) {
    const { code, message, fault } = error;
    const denied = code === 'ERR_ACCESS_DENIED' ? (isKnown ? 403 : 401) : undefined;
    return { status: denied ?? STATUS[code] ?? (fault === 'caller' ? 400 : 500), code, message };
  }
  const { statusCode = 500, message = '' } = Object(error) as { statusCode?: number; message?: string };
  if (statusCode < 500) return { status: statusCode, code: 'ERR_OPTION_INVALID', message: message.slice(0, 500) };
  return { status: 500, code: 'ERR_HOST_FAULT', message: 'the site failed; its log says more' };
}
