// From where a request comes: the address of its connection, or, behind a proxy that is trusted, the one that the proxy says.
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { LodgerError } from '../../../runtime/base/errors.ts';

/** Proxies that are believed. */
export interface Proxies {
  trusts(address: string): boolean;
  /** The last address that no trusted proxy has: whatever is named before it, its sender may have made up. */
  addressOf(connection: string, headers: IncomingHttpHeaders): string;
}

/** Proxies by address, or by range such as `10.0.0.0/8`. Throws `ERR_OPTION_INVALID`. */
export function createProxies(trusted: readonly string[]): Proxies {
  const list = new BlockList();
  for (const each of trusted) add(list, each);
  const trusts = (address: string) => {
    const family = isIP(plain(address));
    return family !== 0 && list.check(plain(address), family === 6 ? 'ipv6' : 'ipv4');
  };
  return {
    trusts,
    addressOf: (connection, headers) => {
      const named = String(headers['x-forwarded-for'] ?? '').split(',');
      let address = plain(connection);
      for (let next = named.pop(); next !== undefined && trusts(address); next = named.pop()) {
        if (isIP(plain(next.trim())) === 0) break;
        address = plain(next.trim());
      }
      return address;
    },
  };
}

function add(list: BlockList, text: string): void {
  const [, address = '', bits] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  try {
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  } catch (error) {
    const must = 'addresses of proxies, such as 127.0.0.1 or 10.0.0.0/8';
    throw new LodgerError('ERR_OPTION_INVALID', ['trustProxy', must], { cause: error });
  }
}

/** Connections over IPv4 to a socket of IPv6 have their address in a longer form. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');
