// What pages of other origins may ask of a site: those that the operator has named may do what a tab does that is lent, without cookies.
import type { FastifyInstance } from 'fastify';
import { API } from '../../wire/routes.ts';

/** What a tab asks for. */
const PATHS = new RegExp(`^${API}/(?:visit|tickets|blobs/[0-9a-f]{64})$`);

/** How long a browser may keep what it was told, in seconds. */
const KEEP_S = 600;

/** Adds the headers by which browsers let pages of these origins see the answers. Credentials are not among what they may send. */
export function answerOrigins(server: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  server.addHook('onRequest', async ({ headers, method, url }, reply) => {
    if (!PATHS.test(url.split('?', 1)[0] as string)) return;
    reply.header('vary', 'origin');
    const { origin } = headers;
    if (origin === undefined || !origins.includes(origin)) return;
    reply.header('access-control-allow-origin', origin);
    if (method !== 'OPTIONS') return;
    reply.header('access-control-allow-methods', 'GET, POST, PUT');
    reply.header('access-control-allow-headers', 'authorization, content-type');
    reply.header('access-control-max-age', KEEP_S);
    return reply.code(204).send();
  });
}
