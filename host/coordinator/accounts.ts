// Who may do what: accounts with quotas, and tokens that stand for them, kept by digest. What is given out is told once and never stored.
import { createHash, randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { integer, oneOf } from '../../runtime/base/schema.ts';
import type { TokenStatus } from '../wire/answers.ts';
import { type AccountSchema, ROLES, type Role } from '../wire/api.ts';
import { ACCOUNT } from './ceilings.ts';
import type { Caller, Store } from './contracts.ts';

/** What an account may use. */
export interface Quotas {
  readonly tasksQueued: number;
  readonly storedBytes: number;
  readonly fuelPerDay: number;
}

/** Who stands behind a token. */
export interface Known extends Caller {
  /** Part of the token's digest: its name in lists. */
  readonly token: string;
}

export interface Account {
  readonly id: string;
  readonly created: number;
  readonly quotas: Quotas;
  readonly tokens: readonly TokenStatus[];
}

export interface Accounts {
  /** Who a token stands for; nobody if it was never given out, was revoked or has expired. */
  who(token: string): Known | undefined;
  list(): readonly Account[];
  /** The quotas of an account; of one that is not known, the defaults. */
  quotas(account: string): Quotas;
  /** Makes an account, or changes quotas of one. Resolves when it is on disk. */
  set(account: v.InferOutput<typeof AccountSchema>): Promise<Account>;
  /** A token that is told this once. Throws `ERR_NOT_FOUND` for an account that is not there, `ERR_QUOTA_SPENT` beyond the ceiling. */
  make(account: string, wanted: Wanted): Promise<TokenStatus & { readonly token: string }>;
  /** Ends a token at once. Throws `ERR_NOT_FOUND`. */
  revoke(account: string, token: string): Promise<void>;
  /** Calls back when a token ends before its time. */
  onRevoked(hear: (token: string) => void): void;
}

interface Wanted {
  readonly role: Role;
  readonly name?: string;
  readonly expires?: number;
}

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const StoredAccount = v.object({ created: COUNT, quotas: v.record(v.string(), COUNT) });
const StoredToken = v.object({
  account: v.string(),
  role: oneOf(ROLES),
  name: v.string(),
  created: COUNT,
  expires: v.nullable(COUNT),
});
type Token = v.InferOutput<typeof StoredToken>;

/** Reads the accounts of a store. `now` gives ms since 1970. */
export function createAccounts(store: Store, now: () => number): Accounts {
  const accounts = new Map<string, v.InferOutput<typeof StoredAccount>>();
  const tokens = new Map<string, Token>();
  const hearers: ((token: string) => void)[] = [];
  for (const { key, value } of store.range(['account', ''], ['account', '~']))
    accounts.set(String(key[1]), v.parse(StoredAccount, value));
  for (const { key, value } of store.range(['token', ''], ['token', '~']))
    tokens.set(String(key[1]), v.parse(StoredToken, value));

  const quotas = (id: string): Quotas => ({ ...usualQuotas(), ...accounts.get(id)?.quotas });
  const ofAccount = (id: string) => [...tokens].filter(([, token]) => token.account === id);
  const read = (id: string): Account => ({
    id,
    created: accounts.get(id)?.created ?? 0,
    quotas: quotas(id),
    tokens: ofAccount(id).map(([digest, token]) => statusOf(digest, token)),
  });
  const mustKnow = (id: string) => {
    if (!accounts.has(id)) throw new LodgerError('ERR_NOT_FOUND', ['account', id]);
  };

  return {
    who: (token) => {
      const digest = digestOf(token);
      const found = tokens.get(digest);
      if (!found || (found.expires !== null && found.expires <= now())) return undefined;
      return { account: found.account, role: found.role, token: nameOf(digest) };
    },
    list: () => [...accounts.keys()].sort().map(read),
    quotas,
    set: async ({ id, quotas: given }) => {
      const before = accounts.get(id);
      if (!before && accounts.size >= ACCOUNT.accounts.max) throw spent('accounts', ACCOUNT.accounts.max);
      const account = { created: before?.created ?? now(), quotas: { ...before?.quotas, ...given } };
      accounts.set(id, account);
      await store.put(['account', id], account);
      return read(id);
    },
    make: async (account, { role, name = '', expires = null }) => {
      mustKnow(account);
      if (ofAccount(account).length >= ACCOUNT.tokens.max) throw spent('tokens', ACCOUNT.tokens.max);
      const text = `lodger_${role}_${randomBytes(ACCOUNT.tokenBytes.default).toString('base64url')}`;
      const digest = digestOf(text);
      const token = { account, role, name, created: now(), expires };
      tokens.set(digest, token);
      await store.put(['token', digest], token);
      return { ...statusOf(digest, token), token: text };
    },
    revoke: async (account, name) => {
      const [digest] = ofAccount(account).find(([each]) => nameOf(each) === name) ?? [];
      if (digest === undefined) throw new LodgerError('ERR_NOT_FOUND', ['token', name]);
      tokens.delete(digest);
      for (const hear of hearers) hear(name);
      await store.remove(['token', digest]);
    },
    onRevoked: (hear) => {
      hearers.push(hear);
    },
  };
}

function usualQuotas(): Quotas {
  const { tasksQueued, storedBytes, fuelPerDay } = ACCOUNT;
  return { tasksQueued: tasksQueued.default, storedBytes: storedBytes.default, fuelPerDay: fuelPerDay.default };
}

/** Tokens are random, 256 bits of them: one round of SHA-256 keeps them as well as a slow one would. */
function digestOf(token: string): string {
  return createHash('sha256').update(`lodger token 1\n${token}`).digest('hex');
}

function nameOf(digest: string): string {
  return digest.slice(0, 16);
}

function statusOf(digest: string, { account, role, name, created, expires }: Token): TokenStatus {
  return { id: nameOf(digest), account, role, name, created, expires };
}

function spent(what: string, max: number): LodgerError {
  return new LodgerError('ERR_QUOTA_SPENT', [what, max, 'remove some first']);
}
