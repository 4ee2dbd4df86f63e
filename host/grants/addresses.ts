// Which addresses a granted name may lead to: those of the public internet, unless the grant itself names another.
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Ranges that are not of the public internet, and what they are called. Sources: IANA's registries of special-purpose addresses. */
const IPV4: readonly (readonly [string, number, string])[] = [
  ['0.0.0.0', 8, 'of no host'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['127.0.0.0', 8, 'a loopback address'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.88.99.0', 24, 'reserved'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'reserved'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'for many hosts'],
  ['240.0.0.0', 4, 'reserved'],
];

/** The public ones are in 2000::/3. Addresses that carry one of IPv4 lead to where that leads, so none of them is let through. */
const IPV6: readonly (readonly [string, number, string])[] = [
  ['::1', 128, 'a loopback address'],
  ['fe80::', 10, 'link-local'],
  ['fc00::', 7, 'private'],
  ['ff00::', 8, 'for many hosts'],
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'reserved'],
  ['2002::', 16, 'an IPv4 address in another form'],
  ['3fff::', 20, 'reserved'],
];

const lists = [
  ...IPV4.map(([net, bits, what]) => ({ list: listOf(net, bits, 'ipv4'), family: 'ipv4' as const, what })),
  ...IPV6.map(([net, bits, what]) => ({ list: listOf(net, bits, 'ipv6'), family: 'ipv6' as const, what })),
];
const unicast = listOf('2000::', 3, 'ipv6');

function listOf(net: string, bits: number, family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  list.addSubnet(net, bits, family);
  return list;
}

/** What an address is that is not of the public internet; undefined for one that is. */
export function notPublic(address: string): string | undefined {
  const version = isIP(address);
  if (version === 0) return 'no address';
  const family = version === 6 ? 'ipv6' : 'ipv4';
  const known = lists.find((each) => each.family === family && each.list.check(address, family));
  if (known) return known.what;
  return family === 'ipv4' || unicast.check(address, 'ipv6') ? undefined : 'reserved';
}

/** The host of a URL without the brackets around IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Why a granted name may not lead to an address. A grant that has the address itself in it may; `localhost` is this machine's own. */
export function faultOf(host: string, address: string): string | undefined {
  if (isIP(host) !== 0) return undefined;
  const what = notPublic(address);
  const isLocal = host === 'localhost' || host.endsWith('.localhost');
  if (isLocal) return what === 'a loopback address' ? undefined : 'not of this machine';
  return what;
}

/** As the connector of sockets wants to know it. */
export function familyOf(address: string): 4 | 6 {
  return isIPv6(address) ? 6 : 4;
}
