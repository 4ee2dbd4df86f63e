// The walls around a cell, by the names that receipts and `lodger doctor` have.
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';

/** Wall -> what it takes away. */
export const WALLS = {
  descriptors: 'no open file or socket of its parent',
  namespaces: 'no network, and no process, user or memory of the machine that can be named',
  root: 'no files but Node, its libraries and this package, all read-only',
  limits: 'bounded memory, threads and descriptors, no core files, last in every queue',
  ceilings: 'memory, processes and share of the processor counted by the system for the cell as a whole',
  capabilities: 'no rights of the superuser',
  landlock: 'no file is opened but those, none is written, listed or executed',
  seccomp: 'only the system calls that Node needs: no sockets, no processes',
  lock: 'no program is executed any more',
} as const;

export type Wall = keyof typeof WALLS;

/** Walls that are not the jail's to put up. */
export const NOT_JAILS: readonly Wall[] = ['ceilings', 'lock'];

/** All of them, in the order in which they go up but for those. */
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

/** How much a pool insists on, in one word: nothing, the floor, or every wall. */
export const STRICTNESS = ['any', 'floor', 'all'] as const;
/** In one word, or by names. */
export type Strictness = (typeof STRICTNESS)[number] | readonly Wall[];

const isWall = (name: unknown) => WALL_NAMES.some((known) => known === name);
const isStrictness = (value: unknown) =>
  STRICTNESS.some((word) => word === value) || (Array.isArray(value) && value.every(isWall));

/** How much a pool insists on, from unknown data. */
export const StrictnessSchema = v.custom<Strictness>(
  isStrictness,
  `one of ${STRICTNESS.join(', ')}, or names of walls: ${WALL_NAMES.join(', ')}`,
);

/** One word, or names with commas between them. Throws `ERR_OPTION_INVALID`, which names the option. */
export function readStrictness(text: string, option: string): Strictness {
  const word = STRICTNESS.find((name) => name === text);
  const result = v.safeParse(StrictnessSchema, word ?? text.split(','));
  if (result.success) return result.output;
  throw new LodgerError('ERR_OPTION_INVALID', [
    option,
    `${result.issues[0].message}; or stand alone, before another option or "--"`,
  ]);
}

/** Throws `ERR_ISOLATION_MISSING` if walls are missing that are insisted on; `reasons` say why they are. */
export function insist(strict: Strictness, held: readonly Wall[], reasons: ReadonlyMap<Wall, string>): void {
  const wanted = typeof strict === 'string' ? { any: [], floor: FLOOR, all: WALL_NAMES }[strict] : strict;
  const missing = wanted.filter((wall) => !held.includes(wall));
  if (missing.length === 0) return;
  const named = missing.map((wall) => (reasons.has(wall) ? `${wall} (${reasons.get(wall)})` : wall));
  throw new LodgerError('ERR_ISOLATION_MISSING', [`no ${named.join(', no ')}`]);
}
