// Tickets for one blob: who knows a host's secret makes them, the host knows them again.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Digest } from '../../runtime/base/platform.ts';

export interface Ticket {
  readonly digest: Digest;
  /** In ms since 1970, by the clock of who made it. */
  readonly until: number;
}

/** `until.mac`: HMAC-SHA-256 over digest and time. */
export function makeTicket(secret: string, { digest, until }: Ticket): string {
  return `${until}.${macOf(secret, digest, until).toString('hex')}`;
}

/** Whether the text is a ticket for the blob that holds at `now`, which is by the clock of who made it. */
export function isTicket(secret: string, text: string, { digest, now }: { digest: Digest; now: number }): boolean {
  const [, until = '', mac = ''] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(text) ?? [];
  if (mac === '' || Number(until) < now) return false;
  return timingSafeEqual(Buffer.from(mac, 'hex'), macOf(secret, digest, Number(until)));
}

function macOf(secret: string, digest: Digest, until: number): Buffer {
  return createHmac('sha256', Buffer.from(secret, 'hex')).update(`lodger blob 1\n${digest}\n${until}`).digest();
}
