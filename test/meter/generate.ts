// Modules at random, by a seed: nested blocks and ifs with and without values, all kinds of branches, calls, recursion, host calls,
// work on ranges of memory, calls that end the run, endless-looking loops, and counted loops of every shape, wrapping ones included. Every run ends: steps are
// counted in a global, and loops leave off when it is used up.
import { type FunctionPart, type ModuleParts, moduleOf } from '../wasm/build.ts';

/** Small numbers, the same for the same seed. */
export type Random = (below: number) => number;

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

const STEPS = 300;
const [INPUT, DICE, X, Y] = [0, 1, 2, 3] as const;
/** Beside the dice, two scratch locals; loops add their own. */
const SCRATCH = 3;
const SIGNED = ['lt_s', 'le_s', 'gt_s', 'ge_s'] as const;
const UNSIGNED = ['lt_u', 'le_u', 'gt_u', 'ge_u'] as const;

/** A module that exports `run`, `(i32) -> i32`; `host` says whether it makes host calls: `see`, and `stop`, which is to throw. */
export function generate(seed: number): { bytes: Uint8Array<ArrayBuffer>; host: boolean } {
  const random = createRandom(seed);
  const count = 1 + random(5);
  const host = random(2) === 0;
  const functions: FunctionPart[] = [];
  for (let index = 0; index < count; index++) {
    const text = new FunctionText(random, { count, index, host });
    const code = text.write();
    functions.push({
      type: 'i>i',
      code,
      locals: [[SCRATCH + text.extra, 'i']],
      name: `f${index}`,
      ...(index === 0 && { export: 'run' }),
    });
  }
  const parts: ModuleParts = {
    types: ['i>i', 'i>', '>'],
    ...(host && {
      imports: [
        { module: 'env', name: 'see', type: 'i>' },
        { module: 'env', name: 'stop', type: '>' },
      ],
    }),
    functions,
    memory: [1, 3],
    table: [4],
    elements: [{ offset: 0, functions: Array.from({ length: 1 + random(3) }, () => `$f${random(count)}`) }],
    globals: [{ type: 'i', mutable: true, value: `i32.const ${STEPS}` }],
    data: [{ bytes: Array.from({ length: 64 }, (_, byte) => byte) }],
  };
  return { bytes: moduleOf(parts), host };
}

interface Place {
  readonly count: number;
  readonly index: number;
  readonly host: boolean;
}

/** Labels that are open, innermost last: how many values a branch takes along; `null` where nothing may branch to. */
type Open = readonly (0 | 1 | null)[];

/** A counted loop as text. */
type Loop = Readonly<Record<'rein' | 'add' | 'end' | 'compare', string>> & {
  readonly counter: number;
  readonly depth: number;
  readonly open: Open;
};

class FunctionText {
  extra = 0;
  readonly #random: Random;
  readonly #place: Place;

  constructor(random: Random, place: Place) {
    this.#random = random;
    this.#place = place;
  }

  write(): string {
    const body = this.#statements(0, []);
    const tail =
      this.#random(3) === 0 ? `${this.#condition()} if i ${this.#value()} else ${this.#value()} end` : this.#value();
    return `local.get ${INPUT} local.set ${DICE} ${this.#step()} ${body} ${tail}`;
  }

  /** One of the steps that a run has; without any left the function returns. */
  #step(): string {
    return 'global.get 0 i32.const 1 i32.sub global.set 0 global.get 0 i32.const 0 i32.lt_s if i32.const 7 return end';
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#random(items.length)] as T;
  }

  #local(): number {
    return SCRATCH + 1 + this.extra++;
  }

  #value(): string {
    const random = this.#random;
    return this.#one([
      () => `i32.const ${random(40) - 8}`,
      () => `local.get ${random(4)}`,
      () => `local.get ${DICE}`,
      () => `local.get ${DICE} i32.const ${1 + random(9)} i32.add`,
      () => `local.get ${X} i32.const ${1 + random(9)} i32.div_u`,
    ])();
  }

  #roll(): string {
    return `local.get ${DICE} i32.const 1664525 i32.mul i32.const 1013904223 i32.add local.set ${DICE}`;
  }

  #condition(): string {
    const not = this.#random(2) ? 'i32.eqz' : '';
    return `${this.#roll()} local.get ${DICE} i32.const 16 i32.shr_u i32.const ${this.#one([1, 3, 7])} i32.and ${not}`;
  }

  #statements(depth: number, open: Open): string {
    const texts: string[] = [];
    for (let left = 1 + this.#random(4); left > 0; left--) texts.push(this.#statement(depth, open));
    return texts.join(' ');
  }

  #statement(depth: number, open: Open): string {
    const random = this.#random;
    const inner = [...open, 0] as const;
    const simple = [
      () => `${this.#value()} local.set ${this.#one([X, Y])}`,
      () => this.#roll(),
      () => this.#branch(open),
      () => (random(2) ? this.#call() : this.#roll()),
      () => (random(3) ? this.#roll() : this.#leave(open)),
      () => (random(3) ? this.#roll() : this.#range()),
      () => (this.#place.host ? this.#ending() : this.#roll()),
      () => `local.get ${X} drop nop`,
    ];
    const nested = [
      () => `block ${this.#statements(depth + 1, inner)} end`,
      () => `${this.#condition()} if ${this.#statements(depth + 1, inner)} ${this.#else(depth, inner)} end`,
      () => this.#valued(depth, open),
      () =>
        `loop ${this.#step()} ${this.#statements(depth + 1, inner)} ${random(2) ? `${this.#condition()} br_if 0` : ''} end`,
      () => this.#counted(depth, open),
      () => this.#counted(depth, open),
    ];
    return this.#one(depth > 3 ? simple : [...simple, ...nested])();
  }

  #else(depth: number, inner: Open): string {
    return this.#random(2) ? `else ${this.#statements(depth + 1, inner)}` : '';
  }

  /** An `if` or block with a value, left early at times, and a loop that takes one. */
  #valued(depth: number, open: Open): string {
    const inner: Open = [...open, 1];
    const early = () => (this.#random(2) ? `${this.#condition()} br_if 0` : '');
    const into = `local.set ${this.#one([X, Y])}`;
    return this.#one([
      () =>
        `${this.#condition()} if i ${this.#statements(depth + 1, inner)} ${this.#value()} ${early()} else ${this.#value()} end ${into}`,
      () =>
        `block i ${this.#statements(depth + 1, inner)} ${this.#value()} ${early()} drop ${this.#value()} end ${into}`,
      () => `${this.#value()} loop 0 ${into} ${this.#step()} ${this.#value()} ${early()} end ${into}`,
    ])();
  }

  #labels(open: Open): number[] {
    return open.flatMap((values, index) => (values === 0 ? [open.length - 1 - index] : []));
  }

  #branch(open: Open): string {
    const labels = this.#labels(open);
    return labels.length === 0 ? this.#roll() : `${this.#condition()} br_if ${this.#one(labels)}`;
  }

  /** Leaves for good; what follows is not reached, and is there all the same. */
  #leave(open: Open): string {
    const labels = this.#labels(open);
    const table = () => Array.from({ length: 4 }, () => this.#one(labels)).join(' ');
    const ways = [
      () => `${this.#value()} return`,
      () => `${this.#value()} br ${open.length}`,
      () => `${this.#value()} ${this.#condition()} br_if ${open.length} drop`,
      ...(labels.length > 0
        ? [
            () => `br ${this.#one(labels)}`,
            () => `${this.#roll()} local.get ${DICE} i32.const 18 i32.shr_u i32.const 3 i32.and br_table 3 ${table()}`,
          ]
        : []),
    ];
    return this.#one(ways)();
  }

  #call(): string {
    const { count, index, host } = this.#place;
    const into = `local.set ${this.#one([X, Y])}`;
    return this.#one([
      () => (host ? `local.get ${DICE} call $see` : this.#roll()),
      () => `${this.#value()} call $f${Math.min(index + 1, count - 1)} ${into}`,
      () => `${this.#value()} call $f${this.#random(count)} ${into}`,
      () => `${this.#value()} i32.const ${this.#random(5)} i32.const 3 i32.and call_indirect 0 ${into}`,
    ])();
  }

  /** At times, a call that nobody comes back from: of a host function that throws, or of one that may do so. */
  #ending(): string {
    const call = this.#one(['call $stop', 'call $stop', `${this.#value()} call $f${this.#random(this.#place.count)}`]);
    const roll = `${this.#roll()} local.get ${DICE} i32.const 14 i32.shr_u i32.const 3 i32.and i32.eqz`;
    return this.#one([
      `${roll} if ${call} unreachable end`,
      `${roll} if ${this.#value()} local.set ${X} ${call} unreachable else ${this.#roll()} end`,
    ]);
  }

  #range(): string {
    const at = () => `i32.const ${this.#random(66_000)}`;
    return this.#one([
      () => `${at()} i32.const 1 i32.const ${this.#random(3_000)} memory.fill`,
      () => `${at()} ${at()} i32.const ${this.#random(3_000)} memory.copy`,
      () => `${at()} i32.const ${this.#random(30)} i32.const ${this.#random(40)} memory.init 0`,
      () => `i32.const ${this.#random(2)} memory.grow local.set ${X}`,
    ])();
  }

  /** A loop from a start to a limit by a step, tested at its top or bottom. A few wrap round, or never meet their limit. */
  #counted(depth: number, open: Open): string {
    const random = this.#random;
    const [counter, limit, step] = [this.#local(), this.#local(), this.#local()];
    const up = random(3) > 0;
    const near = random(8) === 0;
    const stride = near ? 0x30000001 : this.#one([1, 1, 1, 2, 3, 4, 5]);
    const edge = this.#one([0, 0, 0x7fffffff, -0x80000000, -1]);
    const unequal = random(3) === 0;
    // Most loops until "unequal" meet their limit, some after having wrapped round.
    const way = (up ? 1 : -1) * (unequal && random(8) > 0 ? stride * random(30) : random(40));
    const start = (edge + this.#one([0, 0, random(9) - 4])) | 0;
    const end = random(5) === 0 ? (near ? 1_610_612_736 : edge) : (start + way) | 0;
    const by = up && random(4) === 0 ? `local.get ${step}` : `i32.const ${up ? stride : -stride}`;
    const relations = unequal ? ['ne'] : (random(2) ? SIGNED : UNSIGNED).slice(up ? 0 : 2, up ? 2 : 4);
    const parts = {
      ...{ counter, depth, open, compare: `i32.${this.#one(relations)}` },
      end: random(2) ? `i32.const ${end}` : `local.get ${limit}`,
      add: random(2) ? `local.get ${counter} ${by} i32.add` : `${by} local.get ${counter} i32.add`,
      // Few loops count their steps, since they can then be left.
      rein: random(8) === 0 ? this.#step() : '',
    };
    const toZero = random(6) === 0 && !near;
    const set = `i32.const ${toZero ? -way : start} local.set ${counter}`;
    const loop = toZero ? this.#toZero(parts) : random(2) ? this.#top(parts) : this.#bottom(parts);
    const sets = `i32.const ${end} local.set ${limit} i32.const ${random(5)} local.set ${step}`;
    return this.#one([`${sets} ${set} ${loop}`, `${set} ${sets} ${loop}`]);
  }

  #body(depth: number, open: Open): string {
    return this.#random(3) ? `${this.#value()} local.set ${X}` : this.#statements(depth + 2, open);
  }

  #top({ rein, depth, open, add, counter, end, compare }: Loop): string {
    const body = this.#body(depth, [...open, null, 0]);
    const test = this.#turned(`local.get ${counter}`, end, compare);
    return `loop ${test} if ${rein} ${body} ${add} local.set ${counter} br 1 end end`;
  }

  #bottom({ rein, depth, open, add, counter, end, compare }: Loop): string {
    const body = this.#body(depth, [...open, null]);
    const set = `${add} local.set ${counter}`;
    const read = `local.get ${counter}`;
    return this.#one([
      () => `loop ${rein} ${body} ${set} ${this.#turned(read, end, compare)} br_if 0 end`,
      () => `loop ${rein} ${set} ${body} ${this.#turned(read, end, compare)} br_if 0 end`,
      () => `loop ${rein} ${body} ${this.#turned(`${add} local.tee ${counter}`, end, compare)} br_if 0 end`,
    ])();
  }

  #toZero({ rein, depth, open, add, counter }: Loop): string {
    const body = this.#body(depth, [...open, null]);
    return this.#one([
      `loop ${rein} ${body} ${add} local.tee ${counter} br_if 0 end`,
      `loop ${rein} ${add} local.set ${counter} ${body} local.get ${counter} br_if 0 end`,
    ]);
  }

  /** `left right compare`, or the two the other way round. */
  #turned(left: string, right: string, compare: string): string {
    if (this.#random(2)) return `${left} ${right} ${compare}`;
    return `${right} ${left} ${compare.replace(/lt|gt|le|ge/, (name) => ({ lt: 'gt', gt: 'lt', le: 'ge', ge: 'le' })[name] ?? name)}`;
  }
}
