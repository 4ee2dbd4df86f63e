// Who is calling: a token in the Authorization header, the cookie of a session that a token opened, or a ticket for one WebSocket.
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { LodgerError } from '../../../runtime/base/errors.ts';
import type { Accounts, Known } from '../accounts.ts';
import { ANONYMOUS } from '../belief.ts';
import { DOOR } from '../ceilings.ts';

export interface Auth {
  /** The name of the site's cookie. Browsers send cookies to every port of a machine: each site has a name of its own. */
  readonly cookie: string;
  /** Who the headers stand for; nobody where they name nobody, or somebody who is not known. */
  who(headers: IncomingHttpHeaders): Known | undefined;
  /** Whether the caller is known by its cookie, which pages of others may make a browser send. */
  byCookie(headers: IncomingHttpHeaders): boolean;
  /** Opens a session. Throws `ERR_ACCESS_DENIED`. */
  signIn(token: string): { readonly known: Known; readonly session: string };
  /** A token for somebody whom nobody knows: a tab that is lent. It is no cookie, which would sign its browser out of the console. */
  visit(): string;
  /** A token of half a day for another site, which stands behind its account as a host does. */
  guest(account: string): string;
  signOut(headers: IncomingHttpHeaders): void;
  ticket(known: Known): string;
  /** Who a ticket stands for, once. */
  redeem(ticket: string): Known | undefined;
}

interface Kept {
  /** Asked each time: a token may have been revoked. */
  readonly who: () => Known | undefined;
  readonly expires: number;
}

/** `now` gives ms since 1970, `site` is the site's public key. Sessions and tickets end with the process. */
export function createAuth(accounts: Accounts, now: () => number, site: string): Auth {
  const cookie = `lodger-${site.slice(0, 16)}`;
  const pattern = new RegExp(`(?:^|;\\s*)${cookie}=([\\w-]{1,64})(?:;|$)`);
  const cookieOf = (headers: IncomingHttpHeaders) => pattern.exec(headers.cookie ?? '')?.[1];
  const sessions = new Map<string, Kept>();
  /** Apart from sessions: strangers make as many as they like, and the oldest goes. */
  const visits = new Map<string, Kept>();
  const guests = new Map<string, Kept>();
  const last = new Map<string, { readonly token: string; readonly until: number }>();
  const tickets = new Map<string, { readonly known: Known; readonly expires: number }>();
  accounts.onRevoked((token) => {
    for (const [ticket, { known }] of tickets) if (known.token === token) tickets.delete(ticket);
  });

  const find = (kept: Kept | undefined) => (kept && kept.expires > now() ? kept.who() : undefined);
  const open = (map: Map<string, Kept>, who: Kept['who']) => {
    const session = randomBytes(32).toString('base64url');
    keep(map, session, { who, expires: now() + DOOR.sessionMs.default }, DOOR.sessions.max);
    return session;
  };
  const bearer = ({ authorization = '' }: IncomingHttpHeaders) => /^Bearer (\S{1,256})$/i.exec(authorization)?.[1];
  return {
    cookie,
    who: (headers) => {
      const token = bearer(headers);
      if (token === undefined) return find(sessions.get(cookieOf(headers) ?? ''));
      return accounts.who(token) ?? find(visits.get(token) ?? guests.get(token));
    },
    byCookie: (headers) => bearer(headers) === undefined && cookieOf(headers) !== undefined,
    signIn: (token) => {
      const known = accounts.who(token);
      if (!known) throw new LodgerError('ERR_ACCESS_DENIED', [NOT_KNOWN]);
      return { known, session: open(sessions, () => accounts.who(token)) };
    },
    visit: () => {
      const visitor: Known = {
        account: ANONYMOUS,
        role: 'host',
        token: `visit-${randomBytes(9).toString('base64url')}`,
      };
      return open(visits, () => visitor);
    },
    guest: (account) => {
      // One for all of its leases, until half of its time is over.
      const at = now();
      const known = last.get(account);
      if (known && known.until > at) return known.token;
      const guest: Known = { account, role: 'host', token: `site-${randomBytes(9).toString('base64url')}` };
      const token = open(guests, () => guest);
      last.set(account, { token, until: at + DOOR.sessionMs.default / 2 });
      return token;
    },
    signOut: (headers) => {
      sessions.delete(cookieOf(headers) ?? '');
    },
    ticket: (known) => {
      const ticket = randomBytes(32).toString('base64url');
      keep(tickets, ticket, { known, expires: now() + DOOR.ticketMs.default }, DOOR.tickets.max);
      return ticket;
    },
    redeem: (ticket) => {
      const found = tickets.get(ticket);
      tickets.delete(ticket);
      return found && found.expires > now() ? found.known : undefined;
    },
  };
}

/** Beyond the ceiling the oldest goes. */
function keep<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size < max) break;
    map.delete(oldest);
  }
  map.set(key, value);
}

export const NOT_KNOWN = 'this token is not known, was revoked or has expired';
export const NOT_OWN_PAGE = 'the request does not come from a page of this site';

/** Whether a page of the site itself makes a request, as its browser says; nobody else's pages make one that browsers say nothing of. */
export function isOfOwnPage({ headers: { origin }, host }: Pick<FastifyRequest, 'headers' | 'host'>): boolean {
  return origin !== undefined && URL.parse(origin)?.host === host;
}
