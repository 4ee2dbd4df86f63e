// Handlers by which hosts of one network find each other's blobs.
import { LodgerError } from '../../../runtime/base/errors.ts';
import { ANONYMOUS } from '../belief.ts';
import type { Asker, Neighbours } from '../neighbours.ts';
import type { Call, Handlers } from './call.ts';
import type { Shown } from './shown.ts';

export interface NeighbourParts {
  readonly neighbours: Neighbours;
  readonly shown: Shown;
  readonly clock: () => number;
}

export function neighbourHandlers({
  neighbours,
  shown,
  clock,
}: NeighbourParts): Pick<Handlers, 'announce' | 'neighbours'> {
  return {
    announce: ({ caller, request, body }) => {
      neighbours.announce(askerOf({ caller, request }), body);
      return { now: clock() };
    },
    // What no lease has named to them is none of their business: then they hear of nobody, and the site itself decides.
    neighbours: ({ caller, request, params: { digest } }) => {
      const asker = askerOf({ caller, request });
      return shown.mayRead(caller, digest) ? neighbours.offers(asker, digest) : [];
    },
  };
}

/** Tabs ask only the site: anybody may open one. Throws `ERR_ACCESS_DENIED`. */
function askerOf({ caller, request }: Pick<Call<'announce'>, 'caller' | 'request'>): Asker {
  if (caller.account === ANONYMOUS)
    throw new LodgerError('ERR_ACCESS_DENIED', ['visitors have no neighbours: ask the site']);
  return { token: caller.token, address: request.ip };
}
