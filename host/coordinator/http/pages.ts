// The pages of a site and their scripts, each with the headers that bound what it may do. They are read once, when the site is started.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { packageFile } from '../../platform/version.ts';

const FOLDER = packageFile('dist/host/pages');

/** Page -> the folder that holds it. What the page of a tab loads is relative to it: copies of it lie elsewhere, too. */
const PAGES: Readonly<Record<string, string>> = { '/': 'console', '/join/': 'join' };

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** On every answer: pages of others neither see nor embed what is here, and memory can be shared with kernel workers. */
const ALWAYS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), display-capture=()',
} as const;

const PAGE_POLICY = [
  ...[
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
  ],
  ...["worker-src 'self'", "form-action 'none'", "base-uri 'none'"],
].join('; ');

/** Script -> what it may do. A worker's own answer says so: it does not inherit the policy of the page that starts it. */
const SCRIPT_POLICIES: Readonly<Record<string, string>> = {
  'browser/io-worker.js':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'",
  'browser/kernel-worker.js': "default-src 'none'",
  'browser/whole-kernel-worker.js': "default-src 'none'",
};

/**
 * Adds what was built; a site whose pages were not built says so in their place. Pages of the origins in `embed` may show the page of a tab
 * in a frame, and no other page of the site.
 */
export async function addPages(server: FastifyInstance, embed: readonly string[]): Promise<void> {
  const files = existsSync(FOLDER) ? await readdir(FOLDER, { recursive: true, withFileTypes: true }) : [];
  for (const file of files) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    await addFile(server, relative(FOLDER, path).split(sep).join('/'), { path, embed });
  }
  server.get('/join', async (_request, reply) => reply.redirect('/join/', 308));
  for (const [url, folder] of Object.entries(PAGES)) {
    if (server.hasRoute({ method: 'GET', url })) continue;
    server.get(url, async (_request, reply) => {
      const text = `This is a site of Lodger. Its page "${folder}" was not built. Its interface is described at /api/1/openapi.json.\n`;
      return reply.type('text/plain').send(text);
    });
  }
}

async function addFile(
  server: FastifyInstance,
  name: string,
  { path, embed }: { readonly path: string; readonly embed: readonly string[] },
): Promise<void> {
  const bytes = await readFile(path);
  const packed = gzipSync(bytes, { level: 9 });
  const etag = `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
  const isPage = name.endsWith('/index.html');
  // Names of what pages load hold a digest; pages and workers are asked for anew.
  const caching = name.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  const framedBy = name === 'join/index.html' ? embed : [];
  const ancestors = framedBy.length > 0 ? framedBy.join(' ') : "'none'";
  const policy = isPage ? `${PAGE_POLICY}; frame-ancestors ${ancestors}` : SCRIPT_POLICIES[name];
  const headers = {
    ...ALWAYS,
    // A page that shares memory takes frames only from those who say so.
    ...(framedBy.length > 0 && { 'cross-origin-resource-policy': 'cross-origin' }),
    'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
    'cache-control': caching,
    vary: 'accept-encoding',
    etag,
    ...(policy !== undefined && { 'content-security-policy': policy }),
  };
  const page = Object.entries(PAGES).find(([, folder]) => name === `${folder}/index.html`);
  const url = page ? page[0] : `/${name}`;
  server.get(url, async (request, reply) => {
    reply.headers(headers);
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return reply.send(bytes);
    return reply.header('content-encoding', 'gzip').send(packed);
  });
}
