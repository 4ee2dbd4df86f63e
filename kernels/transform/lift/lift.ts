// Transform T2, "lift": counted loops over arrays run without checks where a proof before the loop holds; else as they were written.
import { type Compiler, DiagnosticCode, type Program } from 'assemblyscript';
import { keyOf, type Scene } from './affine.ts';
import { createCopy } from './copy.ts';
import { type Count, countOf, type Loop, loopOf } from './counted.ts';
import { createObserver, type Observer } from './effects.ts';
import { createEmit } from './emit.ts';
import { lanesOf } from './lanes.ts';
import { listen, type Made } from './made.ts';
import { isFunctionMarked, isLoopMarked } from './marker.ts';
import { nodeOf } from './node.ts';
import { type Plan, planOf } from './plan.ts';
import { createPrelude } from './prelude.ts';
import { proveCount, proveStream } from './proof.ts';
import { explainReason, type LoopReport, type Reason } from './report.ts';
import type { Ref } from './tables.ts';

export interface LiftOptions {
  /** The fewest rounds for which the proof is tried, 1 or more; 8 by default, since a shorter loop is not worth it. */
  readonly trips?: number;
  /** Called for every innermost `for` of the author's that uses an array, when the program is compiled; more than once for one that is compiled again. */
  readonly onReport?: (report: LoopReport) => void;
}

const TRIPS = 8;

/**
 * Lifts the loops of a program that is compiled after this call. What it means stays: output, traps and what happens before them.
 * A loop marked `@fast` that cannot be lifted is an error of the program, with its place.
 */
export function liftLoops(program: Program, { trips = TRIPS, onReport }: LiftOptions = {}): void {
  let observer: Observer | undefined;
  let lifts = 0;
  const made = listen(program, (compiler, statement, compiled) => {
    const { source } = statement.range;
    if (source.isLibrary) return compiled;
    observer ??= createObserver(program, made);
    const loop = loopOf(compiled, made);
    const isBare = loop !== undefined && ![loop.condition, ...loop.statements].some((part) => holdsAccess(part, made));
    const isNest = loop !== undefined && [loop.condition, ...loop.statements].some((part) => holdsLoop(part, made));
    const found = loop === undefined ? UNCOUNTED : isNest ? NEST : understand(loop, made, observer);
    const isMarked = isLoopMarked(statement) || (!isNest && !isBare && isFunctionMarked(compiler));
    const place = { file: source.normalizedPath, line: source.lineAt(statement.range.start) };
    if (loop === undefined || 'code' in found) {
      const { reason, remedy } = explainReason('code' in found ? found : UNCOUNTED);
      if (isMarked)
        program.error(
          DiagnosticCode.User_defined_0,
          statement.range,
          `this loop is marked @fast, but ${reason}: ${remedy}`,
        );
      if (!isNest && !isBare) onReport?.({ ...place, state: 'kept', reason, remedy });
      return compiled;
    }
    lifts += 1;
    const lifted = write(compiler, loop, { ...found, made, trips, name: `lift|${lifts}` });
    const { proven, checked } = found.plan;
    onReport?.({ ...place, state: 'lifted', proven: proven.size, checked: checked.size, lanes: lifted.lanes });
    return lifted.ref;
  });
}

const NEST: Reason = { code: 'nest' };
const UNCOUNTED: Reason = { code: 'counter' };

interface Understood {
  readonly scene: Scene;
  readonly count: Count;
  readonly plan: Plan;
}

/** What there is to gain in a loop, or why it stays as it is. */
function understand(loop: Loop, made: Made, observer: Observer): Understood | Reason {
  const effects = observer.of(loop.whole);
  if (effects.refusal !== undefined) return effects.refusal;
  const count = countOf(loop, effects, made);
  if ('code' in count) return count;
  const { counter } = count;
  const scene: Scene = { made, effects, counter, sums: new Map(), kept: new Set(), values: new Map() };
  const isStepKept = 'constant' in count.step || keyOf(count.step.invariant, scene) !== undefined;
  if (!isStepKept || keyOf(count.bound, scene) === undefined) return { code: 'bound' };
  const plan = planOf(loop, scene);
  return 'code' in plan ? plan : { scene, count, plan };
}

function holdsLoop(ref: Ref, made: Made): boolean {
  if (ref === 0) return false;
  const node = nodeOf(ref, made);
  return node.kind === 'loop' || node.parts.some((part) => holdsLoop(part, made));
}

function holdsAccess(ref: Ref, made: Made): boolean {
  return ref !== 0 && (made.accesses.has(ref) || nodeOf(ref, made).parts.some((part) => holdsAccess(part, made)));
}

interface Writing extends Understood {
  readonly made: Made;
  readonly trips: number;
  readonly name: string;
}

/** The proof, the fast copy behind it, and the loop as it was for when the proof does not hold. */
function write(compiler: Compiler, loop: Loop, { scene, count, plan, trips, name }: Writing) {
  const { module, currentFlow } = compiler;
  const emit = createEmit(module, currentFlow);
  const leave = `${name}|checked`;
  const done = `${name}|done`;
  const prelude = createPrelude(emit, scene, leave);
  const range = proveCount(emit, prelude, count, trips);
  const pointers = new Map(plan.streams.map((stream) => [stream, proveStream(emit, prelude, stream, range)]));
  for (const base of plan.checked.values()) prelude.hoist(base);
  const copying = { emit, scene, plan, prelude, pointers, suffix: `|${name}` };
  const vectors = lanesOf(copying, loop, count, range);
  const ahead = vectors === undefined ? [] : [vectors.statement];
  const fast = module.block(leave, [...prelude.statements, ...ahead, createCopy(copying)(loop.whole), module.br(done)]);
  const versions = module.block(done, [fast, loop.whole]);
  return { ref: module.flatten([...loop.before, versions, ...loop.after]), lanes: vectors?.lanes ?? 1 };
}
