// The site as its console asks it: JSON by fetch, with the cookie of the session, and one stream of events.

import type { Policy } from '../../runtime/policy/policy.ts';
import type { AccountStatus, TokenStatus } from '../wire/answers.ts';
import type {
  HostStatus,
  JobStatus,
  Manifest,
  PlaceStatus,
  Refusal,
  Role,
  SiteStatus,
  SitesStatus,
  TaskStatus,
} from '../wire/api.ts';
import type { WireReceipt } from '../wire/delivered.ts';

const API = '/api/1';

/** What a site refused, in its words. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, { code, message }: Refusal) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface Who {
  readonly account: string;
  readonly role: Role;
  readonly site: string;
}

/** Sends a request. Throws `Refused`; status 0 where the site does not answer. */
export async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const isBytes = body instanceof Uint8Array;
  const init: RequestInit =
    body === undefined
      ? { method }
      : {
          method,
          body: isBytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
          headers: { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' },
        };
  const answer = await fetch(API + path, init).catch(() => {
    throw new Refused(0, { code: 'ERR_SITE_UNREACHABLE', message: 'the site does not answer' });
  });
  if (answer.ok) return answer;
  const refusal = (await answer.json().catch(() => undefined)) as Refusal | undefined;
  throw new Refused(answer.status, refusal ?? { code: 'ERR_HOST_FAULT', message: `status ${answer.status}` });
}

const get = async <T>(path: string) => (await (await send('GET', path)).json()) as T;
const ask = async <T>(method: string, path: string, body?: unknown) =>
  (await (await send(method, path, body)).json()) as T;
const part = encodeURIComponent;

export const api = {
  who: () => get<Who>('/who'),
  signIn: (token: string) => ask<Who>('POST', '/session', { token }),
  signOut: () => send('DELETE', '/session'),
  site: () => get<SiteStatus>('/site'),
  sites: () => get<SitesStatus>('/sites'),
  jobs: () => get<JobStatus[]>('/jobs?limit=200'),
  job: (job: string) => get<JobStatus>(`/jobs/${part(job)}`),
  submit: (manifest: Manifest) => ask<JobStatus>('POST', '/jobs', manifest),
  inputs: (job: string, frame: Uint8Array) => ask<JobStatus>('POST', `/jobs/${part(job)}/inputs`, frame),
  cancel: (job: string) => ask<JobStatus>('POST', `/jobs/${part(job)}/cancel`),
  states: async (job: string) => new Uint8Array(await (await send('GET', `/jobs/${part(job)}/states`)).arrayBuffer()),
  places: (job: string) => get<PlaceStatus[]>(`/jobs/${part(job)}/places`),
  task: (job: string, task: number) => get<TaskStatus>(`/jobs/${part(job)}/tasks/${task}`),
  outcomes: async (job: string, from: number, signal: AbortSignal) => {
    const answer = await fetch(`${API}/jobs/${part(job)}/outcomes?from=${from}`, { signal });
    if (!answer.ok) throw new Refused(answer.status, (await answer.json()) as Refusal);
    return answer.body as ReadableStream<Uint8Array>;
  },
  receiptsAt: (job: string) => `${API}/jobs/${part(job)}/receipts`,
  /** Those that are signed by now, from the one of that number on. */
  receipts: async function* (job: string, from: number, signal: AbortSignal): AsyncGenerator<WireReceipt> {
    const answer = await fetch(`${api.receiptsAt(job)}?from=${from}`, { signal });
    if (!answer.ok) throw new Refused(answer.status, (await answer.json()) as Refusal);
    const reader = (answer.body as ReadableStream<Uint8Array<ArrayBuffer>>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let rest = '';
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        const lines = (rest + read.value).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) yield JSON.parse(line) as WireReceipt;
      }
    } finally {
      reader.cancel().catch(() => undefined);
    }
  },
  hosts: () => get<HostStatus[]>('/hosts'),
  setStanding: (host: string, standing: 'known' | 'trusted' | 'banned') =>
    send('PUT', `/hosts/${part(host)}/standing`, { standing }),
  policy: () => get<{ version: number; policy: Policy }>('/policy'),
  setPolicy: (policy: Policy) => ask<{ version: number }>('PUT', '/policy', policy),
  simulate: (policy: Policy) => ask<{ host: string; stops: string }[]>('POST', '/policy/simulate', policy),
  accounts: () => get<AccountStatus[]>('/accounts'),
  setAccount: (account: { id: string; quotas?: AccountStatus['quotas'] }) =>
    ask<AccountStatus>('PUT', '/accounts', account),
  makeToken: (account: string, token: { role: Role; name?: string }) =>
    ask<TokenStatus & { token: string }>('POST', `/accounts/${part(account)}/tokens`, token),
  revokeToken: (account: string, token: string) => send('DELETE', `/accounts/${part(account)}/tokens/${part(token)}`),
  hasBlob: async (digest: string) => (await fetch(`${API}/blobs/${digest}`, { method: 'HEAD' })).ok,
  putBlob: (digest: string, bytes: Uint8Array) => send('PUT', `/blobs/${digest}`, bytes),
  blob: async (digest: string) => new Uint8Array(await (await send('GET', `/blobs/${digest}`)).arrayBuffer()),
};

/** SHA-256 in lower-case hex. Browsers have it on addresses with TLS, and on this machine's own. */
export async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
