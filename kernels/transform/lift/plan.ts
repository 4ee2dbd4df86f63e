// Decides what happens to each array access of a loop: its index is proven before the loop, or its check stays, or all of it.
import { getExpressionType } from 'assemblyscript';
import { describesStay, keyOf, keyOfTerms, type Scene, type Sum, sumOf } from './affine.ts';
import type { Loop } from './counted.ts';
import type { Access } from './made.ts';
import { nodeOf } from './node.ts';
import type { Reason } from './report.ts';
import { type Ref, TYPE } from './tables.ts';

/** An array that stays the same, with elements of one size. */
export interface Base {
  readonly access: Access;
  readonly key: string;
}

/** Accesses of one array whose indexes differ by constants only. */
export interface Stream {
  readonly base: Base;
  readonly sum: Sum;
  /** The lowest and the highest constant. */
  low: number;
  high: number;
  isWritten: boolean;
}

/** Where a proven access is in its stream. */
export interface Place {
  readonly stream: Stream;
  readonly offset: number;
}

export interface Plan {
  readonly streams: readonly Stream[];
  readonly proven: ReadonlyMap<Ref, Place>;
  /** Access whose index is known only when it is there -> its array. */
  readonly checked: ReadonlyMap<Ref, Base>;
  /** Settings of locals that the proof has looked through: of no effect but on those locals. */
  readonly noted: ReadonlySet<Ref>;
}

/** Constants further apart than this get streams of their own, so that they fit an instruction's offset. */
const REACH_BITS = 16;

/** Makes the plan. Fills `scene.sums` on the way. A loop without anything to gain is refused. */
export function planOf(loop: Loop, scene: Scene): Plan | Reason {
  const bases = new Map<string, Base>();
  const streams = new Map<string, Stream>();
  const proven = new Map<Ref, Place>();
  const checked = new Map<Ref, Base>();
  const noted = new Set<Ref>();
  let refusal: Reason | undefined;

  const place = (ref: Ref, access: Access): void => {
    const base = baseOf(access, scene);
    const sum = base && sumOf(access.index, scene);
    if (base === undefined || sum === undefined) {
      if (access.layout === 'array' && access.value !== undefined) refusal = { code: 'grows' };
      if (base !== undefined) checked.set(ref, bases.get(base.key) ?? base);
      if (base !== undefined && !bases.has(base.key)) bases.set(base.key, base);
      return;
    }
    if (!bases.has(base.key)) bases.set(base.key, base);
    const parts = [base.key, keyOfTerms(sum.counter), keyOfTerms(sum.rest), sum.offset >> REACH_BITS];
    const stream = streams.get(parts.join('|')) ?? {
      base: bases.get(base.key) ?? base,
      sum,
      low: sum.offset,
      high: sum.offset,
      isWritten: false,
    };
    streams.set(parts.join('|'), stream);
    stream.low = Math.min(stream.low, sum.offset);
    stream.high = Math.max(stream.high, sum.offset);
    stream.isWritten ||= access.value !== undefined;
    proven.set(ref, { stream, offset: sum.offset });
  };

  for (const statement of [loop.condition, ...loop.statements]) {
    visit(statement, { scene, place, noted });
    note(statement, scene, noted);
  }
  // From here on nobody looks at one place in a round.
  scene.sums.clear();
  scene.kept.clear();
  if (refusal !== undefined) return refusal;
  if (proven.size + checked.size === 0) return { code: 'none' };
  return { streams: [...streams.values()], proven, checked, noted };
}

interface Visit {
  readonly scene: Scene;
  readonly noted: Set<Ref>;
  readonly place: (ref: Ref, access: Access) => void;
}

/** Calls back for every access, those in the parts of another one, too. */
function visit(ref: Ref, visiting: Visit): void {
  if (ref === 0) return;
  const { scene, place, noted } = visiting;
  const access = scene.made.accesses.get(ref);
  if (access !== undefined) {
    for (const part of [access.array, access.index, access.value ?? 0]) visit(part, visiting);
    place(ref, access);
    return;
  }
  const node = nodeOf(ref, scene.made);
  const inside: number[] = [];
  for (const part of node.parts) {
    visit(part, visiting);
    if (node.kind === 'block') inside.push(...note(part, scene, noted));
  }
  // Whether the block was passed through is not known after it.
  for (const index of inside) {
    scene.sums.delete(index);
    scene.kept.delete(index);
  }
}

/** A statement that gives a local its only value in the loop: from here on, the local is what that value is. Gives the local's index. */
function note(statement: Ref, scene: Scene, noted: Set<Ref>): number[] {
  const node = nodeOf(statement, scene.made);
  if (node.kind !== 'local.set' || node.tee || scene.effects.locals.get(node.index)?.length !== 1) return [];
  const [value] = node.parts;
  const sum = getExpressionType(value) === TYPE.I32 ? sumOf(value, scene) : undefined;
  if (sum !== undefined) scene.sums.set(node.index, sum);
  const isKept = keyOf(value, scene) !== undefined;
  if (isKept) {
    scene.kept.add(node.index);
    scene.values.set(node.index, value);
  }
  if (sum === undefined && !isKept) return [];
  noted.add(statement);
  return [node.index];
}

/** The array of an access, if it is the same all through the loop. */
function baseOf(access: Access, scene: Scene): Base | undefined {
  const key = keyOf(access.array, scene);
  const isFixed = access.layout === 'static' || describesStay(scene.effects);
  return key !== undefined && isFixed ? { access, key: `${access.layout} ${access.bytes} ${key}` } : undefined;
}
