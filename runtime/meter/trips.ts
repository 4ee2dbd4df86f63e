// How many trips a counted loop makes when all is constant, and whether its counter can wrap round.
import type { Counted, Operand } from './counted.ts';

/** The least and the greatest value of a comparison's operands. */
export const DOMAINS = {
  signed: { min: -0x80000000, max: 0x7fffffff },
  unsigned: { min: 0, max: 0xffffffff },
} as const;

/** The trips of a counted loop whose counter begins at `start`; undefined when not all is constant, or the counter wraps round. */
export function tripsOf({ form, limit, step, relation }: Counted, start: number): number | undefined {
  if (!('constant' in limit) || !('constant' in step)) return undefined;
  const stride = Math.abs(step.constant);
  const up = step.constant > 0;
  if (relation.kind === 'unequal') {
    const way = (up ? limit.constant - start : start - limit.constant) >>> 0;
    if (way % stride !== 0 || (way === 0 && form === 'bottom')) return undefined;
    return way / stride;
  }
  const [from, to] = [start, limit.constant].map((value) => inDomain(value, relation.signed)) as [number, number];
  const way = (up ? to - from : from - to) + (relation.orEqual ? 1 : 0);
  if (wraps(limit, stride, up, relation)) return undefined;
  // A body that is tested at the bottom runs once in any case, and the counter may then pass the limit from anywhere.
  if (way <= 0) return form === 'top' ? 0 : undefined;
  return Math.ceil(way / stride);
}

/** Whether the counter may pass the end of its domain before it passes a constant limit. */
export function wraps(
  limit: Operand & { readonly constant: number },
  stride: number,
  up: boolean,
  { signed, orEqual }: Counted['relation'],
): boolean {
  const { min, max } = DOMAINS[signed ? 'signed' : 'unsigned'];
  const reach = stride - 1 + (orEqual ? 1 : 0);
  const value = inDomain(limit.constant, signed);
  return up ? value + reach > max : value - reach < min;
}

function inDomain(value: number, signed: boolean): number {
  return signed ? value | 0 : value >>> 0;
}
