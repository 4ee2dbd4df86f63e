// Calls a site's routes: from the table of routes to checked answers, with refusals as LodgerErrors.
import * as v from 'valibot';
import { ERRORS, type ErrorCode, LodgerError } from '../../runtime/base/errors.ts';
import { doubtOf, trusting } from '../platform/trust.ts';
import { RefusalSchema } from '../wire/answers.ts';
import { API, ROUTES, type Route, type RouteName } from '../wire/routes.ts';
import type { Asking, Given, HttpOptions } from './asking.ts';
import { type Answered, createRequests } from './requests.ts';
import { sleep } from './sleep.ts';

const ANSWER_BYTES_MAX = 256 * 2 ** 20;
/** The site says every 15 s that it is there. */
const SILENT_MS_MAX = 60_000;
const CONNECT_MS_MAX = 10_000;
/** Waits between attempts: the first, and the longest. */
const WAIT_MS = { first: 100, most: 3_000 } as const;
/** What a site that is being started again answers, or a proxy before it. */
const AWAY = [502, 503, 504];

export interface Http extends Asking {
  /** For how long what goes wrong again and again is borne. */
  readonly patienceMs: number;
  /** Asks once, and gives whatever answer comes; the caller reads it, or drops it with `body.dump()`. */
  send(name: RouteName, given?: Given): Promise<Answered>;
  /** The same, and throws what the site refuses. */
  open(name: RouteName, given?: Given): Promise<Answered>;
}

/**
 * Throws `ERR_OPTION_INVALID` for what is no address of a site, and for authorities that are none. Without a token it
 * says nothing of who asks.
 */
export function createHttp(url: string, token: string, { patienceMs, ca, connections }: HttpOptions): Http {
  const base = baseOf(url);
  const requests = createRequests({
    ...{ connectMsMax: CONNECT_MS_MAX, silentMsMax: SILENT_MS_MAX, tls: trusting(ca) },
    ...(connections !== undefined && { connections }),
  });
  const send = async (name: RouteName, given: Given = {}) => {
    const { json, bytes, headers, signal } = given;
    const body = json === undefined ? bytes : JSON.stringify(json);
    const type = json === undefined ? 'application/octet-stream' : 'application/json';
    try {
      return await requests.request(base + pathOf(ROUTES[name], given), {
        method: given.method ?? ROUTES[name].method,
        headers: {
          ...(token !== '' && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': type, 'content-length': `${lengthOf(body)}` }),
          ...headers,
        },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
    } catch (error) {
      throw signal?.aborted ? new LodgerError('ERR_ABORTED', [], { cause: error }) : unreachable(base, error);
    }
  };
  const open = async (name: RouteName, given: Given = {}) => {
    const answer = await send(name, given);
    if (answer.statusCode < 400 || given.accepts?.includes(answer.statusCode)) return answer;
    throw await refusalOf(answer, base);
  };
  return {
    url: base,
    patienceMs,
    send,
    open,
    ask: async (name, given) => {
      const answer = await open(name, given);
      const { answer: schema }: Route = ROUTES[name];
      try {
        if (!schema) await answer.body.dump();
        return (schema ? v.parse(schema, JSON.parse(await textOf(answer))) : undefined) as never;
      } catch (error) {
        throw broken(base, error);
      }
    },
    patiently: async (attempt, signal) => {
      const until = performance.now() + patienceMs;
      for (let wait: number = WAIT_MS.first; ; wait = Math.min(2 * wait, WAIT_MS.most)) {
        try {
          return await attempt();
        } catch (error) {
          if (!isAway(error) || signal?.aborted || performance.now() > until) throw error;
          await sleep(wait, signal);
        }
      }
    },
    close: requests.close,
  };
}

function lengthOf(body: string | Uint8Array | readonly Uint8Array[]): number {
  if (typeof body === 'string') return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.byteLength : body.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Whether it may help to ask again. */
export function isAway(error: unknown): boolean {
  return error instanceof LodgerError && error.code === 'ERR_SITE_UNREACHABLE';
}

/** What went wrong with an answer: to ask again helps where it was cut off, and not where it is none of a site. */
export function broken(url: string, cause: unknown): LodgerError {
  const isNone = v.isValiError(cause) || cause instanceof RangeError || cause instanceof SyntaxError;
  return isNone ? invalid(url, cause.message, cause) : unreachable(url, cause);
}

export function invalid(url: string, why: string, cause?: unknown): LodgerError {
  return new LodgerError('ERR_ANSWER_INVALID', [url, why], { cause });
}

/** What went wrong on the way to a site: `ERR_CONNECTION_UNSAFE` where its certificate is not believed. */
export function unreachable(url: string, cause: unknown): LodgerError {
  if (cause instanceof LodgerError) return cause;
  const doubt = doubtOf(cause);
  if (doubt !== undefined) return new LodgerError('ERR_CONNECTION_UNSAFE', [url, doubt], { cause });
  const { code, message = '' } = Object(cause) as { code?: string; message?: string };
  const why = code === undefined || message.includes(code) ? message : `${message} (${code})`.trim();
  return new LodgerError('ERR_SITE_UNREACHABLE', [url, why], { cause });
}

function baseOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && /^https?:$/.test(parsed.protocol)) return parsed.origin + parsed.pathname.replace(/\/$/, '');
  throw new LodgerError('ERR_OPTION_INVALID', ['site', 'an address such as http://127.0.0.1:7700']);
}

function pathOf({ path }: Route, { params = {}, query = {} }: Given): string {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const asked = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return API + filled + (asked === '' ? '' : `?${asked}`);
}

async function textOf({ body }: Answered): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.byteLength;
    if (size > ANSWER_BYTES_MAX) throw new Error(`its answer has over ${ANSWER_BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** The site's own refusal, with its code. */
async function refusalOf(answer: Answered, url: string): Promise<LodgerError> {
  const text = await textOf(answer).catch(() => '');
  const refusal = v.safeParse(RefusalSchema, parsed(text));
  const { statusCode } = answer;
  if (refusal.success && Object.hasOwn(ERRORS, refusal.output.code)) {
    const error = new LodgerError(refusal.output.code as ErrorCode);
    error.message = refusal.output.message;
    if (error.code !== 'ERR_CLOSED') return error;
  }
  const why = AWAY.includes(statusCode) ? 'it is not ready' : `it answered with status ${statusCode}`;
  if (statusCode >= 500) return new LodgerError('ERR_SITE_UNREACHABLE', [url, why]);
  return new LodgerError('ERR_NOT_FOUND', ['site', url]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
