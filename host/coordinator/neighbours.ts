// Who of a network has a blob: hosts whose owners allow it say so, and others near them are told whom to ask, with a ticket.
import { randomInt } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import type { Digest } from '../../runtime/base/platform.ts';
import { makeTicket } from '../platform/tickets.ts';
import type { Announcement, Offer } from '../wire/neighbours.ts';
import { DOOR } from './ceilings.ts';

/** Where somebody asks from. */
export interface Asker {
  readonly token: string;
  /** As the site sees it. */
  readonly address: string;
}

export interface Neighbours {
  /** Holds for a while, and has to be said again. */
  announce(asker: Asker, announcement: Announcement): void;
  /** Some who are near and have the blob, in no order. */
  offers(asker: Asker, digest: Digest): readonly Offer[];
}

interface Neighbour {
  readonly asker: Asker;
  readonly port: number;
  readonly secret: string;
  readonly holds: ReadonlySet<Digest>;
  readonly until: number;
}

/** Of who has a blob, so many are named. */
const OFFERS_MAX = 3;

/** `clock`: ms since 1970. */
export function createNeighbours(clock: () => number): Neighbours {
  /** The latest last. */
  const known = new Map<string, Neighbour>();
  const forget = () => {
    for (const [name, { until }] of known) {
      if (until > clock() && known.size <= DOOR.neighbours.max) return;
      known.delete(name);
    }
  };
  return {
    announce: (asker, { port, secret, holds }) => {
      const name = `${asker.token} ${asker.address} ${port}`;
      known.delete(name);
      known.set(name, { asker, port, secret, holds: new Set(holds), until: clock() + DOOR.neighbourMs.default });
      forget();
    },
    offers: (asker, digest) => {
      forget();
      const near = [...known.values()].filter(
        (each) => each.holds.has(digest) && isNear(asker.address, each.asker.address),
      );
      const until = clock() + DOOR.neighbourMs.default;
      const chosen = Array.from(
        { length: Math.min(OFFERS_MAX, near.length) },
        () => near.splice(randomInt(near.length), 1)[0],
      );
      return chosen.flatMap((each) => (each ? [offerOf(each, digest, until)] : []));
    },
  };
}

function offerOf({ asker: { address }, port, secret }: Neighbour, digest: Digest, until: number): Offer {
  const host = isIPv6(plain(address)) ? `[${plain(address)}]` : plain(address);
  return { url: `http://${host}:${port}/blobs/${digest}`, ticket: makeTicket(secret, { digest, until }) };
}

/** Whether two addresses are of one network, as far as a site can see: 24 bits of IPv4, 64 of IPv6. */
export function isNear(one: string, other: string): boolean {
  const [a, b] = [plain(one), plain(other)];
  if (isIPv6(a) !== isIPv6(b)) return false;
  const network = new BlockList();
  if (isIPv6(a)) network.addSubnet(a, 64, 'ipv6');
  else network.addSubnet(a, 24, 'ipv4');
  return network.check(b, isIPv6(b) ? 'ipv6' : 'ipv4');
}

/** IPv4 as such, where a socket for both gives it inside of IPv6. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
