// Handlers of everything but jobs and blobs: who is calling, sessions, hosts, policy, accounts, tickets.
import type { FastifyRequest } from 'fastify';
import { LodgerError } from '../../../runtime/base/errors.ts';
import type { AccountStatus } from '../../wire/answers.ts';
import type { Account, Accounts } from '../accounts.ts';
import { ANONYMOUS } from '../belief.ts';
import { DOOR } from '../ceilings.ts';
import type { Site } from '../contracts.ts';
import type { Usage } from '../usage.ts';
import { type Auth, isOfOwnPage, NOT_OWN_PAGE } from './auth.ts';
import type { Handlers } from './call.ts';

type PeopleRoutes =
  | ('site' | 'who' | 'visit' | 'signIn' | 'signOut' | 'hosts' | 'why' | 'setStanding' | 'policy' | 'setPolicy')
  | ('simulatePolicy' | 'accounts' | 'setAccount' | 'makeToken' | 'revokeToken' | 'ticket');

export interface PeopleParts {
  readonly site: Site;
  readonly accounts: Accounts;
  readonly usage: Usage;
  readonly auth: Auth;
  /** Whether tabs of people whom nobody knows may be lent. */
  readonly visitors: boolean;
}

export function peopleHandlers({ site, accounts, usage, auth, visitors }: PeopleParts): Pick<Handlers, PeopleRoutes> {
  /** Over an open connection only where there is no other: a proxy that is trusted says over which one the request came to it. */
  const cookie = ({ protocol }: FastifyRequest, value: string, seconds: number) =>
    `${auth.cookie}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${seconds}${protocol === 'https' ? '; Secure' : ''}`;
  const statusOf = (account: Account, queued: ReadonlyMap<string, number>): AccountStatus => ({
    ...account,
    tokens: [...account.tokens],
    used: {
      tasksQueued: queued.get(account.id) ?? 0,
      storedBytes: usage.storedBytes(account.id),
      fuelPerDay: usage.fuelToday(account.id),
    },
  });
  return {
    site: () => site.status(),
    who: ({ caller: { account, role } }) => ({ account, role, site: site.name }),
    signIn: ({ body, request, reply }) => {
      // A page of others could sign its visitor in as somebody else, who then sees what the visitor does.
      if (request.headers.origin !== undefined && !isOfOwnPage(request))
        throw new LodgerError('ERR_ACCESS_DENIED', [NOT_OWN_PAGE]);
      const { known, session } = auth.signIn(body.token);
      reply.header('set-cookie', cookie(request, session, DOOR.sessionMs.default / 1_000));
      return { account: known.account, role: known.role, site: site.name };
    },
    visit: () => {
      if (!visitors) throw new LodgerError('ERR_ACCESS_DENIED', ['this site takes no visitors without a token']);
      return { account: ANONYMOUS, role: 'host', site: site.name, token: auth.visit() };
    },
    signOut: ({ request, reply }) => {
      auth.signOut(request.headers);
      return reply
        .header('set-cookie', cookie(request, '', 0))
        .code(204)
        .send();
    },
    hosts: ({ caller }) => site.hosts(caller),
    why: ({ caller, query }) => ({ why: site.why(caller, query) }),
    setStanding: async ({ caller, params, body, reply }) => {
      await site.setStanding(caller, params.host, body.standing);
      return reply.code(204).send();
    },
    policy: () => site.policy(),
    setPolicy: ({ caller, body }) => site.setPolicy(caller, body),
    simulatePolicy: ({ caller, body }) => site.simulatePolicy(caller, body),
    accounts: () => {
      const queued = site.tasksQueued();
      return accounts.list().map((account) => statusOf(account, queued));
    },
    setAccount: async ({ body }) => statusOf(await accounts.set(body), site.tasksQueued()),
    makeToken: ({ params, body }) => accounts.make(params.account, body),
    revokeToken: async ({ caller, params, reply }) => {
      if (params.token === caller.token)
        throw new LodgerError('ERR_OPTION_INVALID', ['token', 'another than the one of this very request']);
      await accounts.revoke(params.account, params.token);
      return reply.code(204).send();
    },
    ticket: ({ caller }) => ({ ticket: auth.ticket(caller) }),
  };
}
