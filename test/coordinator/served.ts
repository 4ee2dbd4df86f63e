// A site with its server in this process, on a fresh folder, with accounts to call it as; and calls that say what came.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSiteClient, type SiteClient } from '../../host/client/site.ts';
import type { Coordinator } from '../../host/coordinator/coordinator.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import type { CoordinatorOptions } from '../../host/coordinator/options.ts';
import type { Role } from '../../host/wire/api.ts';
import { API } from '../../host/wire/routes.ts';

export interface Served {
  readonly site: Coordinator;
  readonly folder: string;
  readonly token: string;
  /** A token of an account, which is made. */
  tokenOf(account: string, role: Role): Promise<string>;
  client(token?: string): SiteClient;
  /** One request; `body` is JSON unless it is bytes. */
  call(method: string, path: string, given?: Given): Promise<Answer>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Given {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly message: string;
  readonly body: unknown;
  readonly bytes: Buffer;
  readonly headers: Headers;
}

/** Starts one: `await using served = await serveSite()`. */
export async function serveSite(options: Partial<CoordinatorOptions> = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-site-'));
  const site = await createCoordinator({ data: join(folder, 'data'), ...options });
  const token = site.operatorToken ?? '';
  const clients: SiteClient[] = [];
  return {
    ...{ site, folder, token },
    tokenOf: async (account, role) => {
      await site.accounts.set({ id: account });
      return (await site.accounts.make(account, { role })).token;
    },
    client: (as = token) => {
      const client = createSiteClient(site.url, as, { patienceMs: 5_000 });
      clients.push(client);
      return client;
    },
    call: (method, path, given) =>
      call(site.url + (path.startsWith('/') ? path : `${API}/${path}`), method, {
        token,
        ...given,
      }),
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) await client.close();
      await site.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function call(url: string, method: string, { token, body, headers }: Given): Promise<Answer> {
  const isJson = body !== undefined && !(body instanceof Uint8Array);
  const type = isJson ? 'application/json' : 'application/octet-stream';
  const answer = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(typeof token === 'string' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': type }),
      ...headers,
    },
    ...(body !== undefined && { body: isJson ? JSON.stringify(body) : new Uint8Array(body as Uint8Array) }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const isDocument = bytes.length > 0 && answer.headers.get('content-type')?.startsWith('application/json');
  const parsed: unknown = isDocument ? JSON.parse(bytes.toString()) : undefined;
  const { code, message = '' } = Object(parsed) as { code?: string; message?: string };
  return { status: answer.status, code, message, body: parsed, bytes, headers: answer.headers };
}
