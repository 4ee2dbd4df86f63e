// The walls around a cell, by the names that receipts and `lodger doctor` have.
import { LodgerError } from '../../runtime/base/errors.ts';

/** Wall -> what it takes away. */
export const WALLS = {
  descriptors: 'no open file or socket of its parent',
  namespaces: 'no network, and no process, user or memory of the machine that can be named',
  root: 'no files but Node, its libraries and this package, all read-only',
  limits: 'bounded memory, threads and descriptors, no core files, last in every queue',
  capabilities: 'no rights of the superuser',
  landlock: 'no file is opened but those, none is written, listed or executed',
  seccomp: 'only the system calls that Node needs: no sockets, no processes',
  lock: 'no program is executed any more',
} as const;

export type Wall = keyof typeof WALLS;

/** All of them, in the order in which they go up. */
export const WALL_NAMES = Object.keys(WALLS) as readonly Wall[];

/** What a host has to have for strangers' kernels. Each of the two alone has holes that the other fills. */
export const FLOOR: readonly Wall[] = ['landlock', 'seccomp'];

/** What may be left out where a machine does not have it, and what then goes with it. */
const OPTIONAL: Readonly<Partial<Record<Wall, readonly Wall[]>>> = {
  namespaces: ['namespaces', 'root'],
  root: ['root'],
  landlock: ['landlock'],
  seccomp: ['seccomp', 'lock'],
};

/** The walls that are left out when one cannot be put up; none if a cell is not to be had without it. */
export function without(wall: string): readonly Wall[] {
  return (Object.hasOwn(OPTIONAL, wall) && OPTIONAL[wall as Wall]) || [];
}

/** How much a pool insists on: nothing, the floor, or every wall. */
export const STRICTNESS = ['any', 'floor', 'all'] as const;
export type Strictness = (typeof STRICTNESS)[number];

/** Throws `ERR_ISOLATION_MISSING` if walls are missing that are insisted on; `reasons` say why they are. */
export function insist(strict: Strictness, held: readonly Wall[], reasons: ReadonlyMap<Wall, string>): void {
  const wanted = { any: [], floor: FLOOR, all: WALL_NAMES }[strict];
  const missing = wanted.filter((wall) => !held.includes(wall));
  if (missing.length === 0) return;
  const named = missing.map((wall) => (reasons.has(wall) ? `${wall} (${reasons.get(wall)})` : wall));
  throw new LodgerError('ERR_ISOLATION_MISSING', [`no ${named.join(', no ')}`]);
}
