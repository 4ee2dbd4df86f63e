// What a kernel will have, decided before any code is written: functions, globals, table, memory, segments.
import type { Dice } from './dice.ts';
import type { ValueType } from './numbers.ts';

/** What generated kernels may have. Everything is on unless it is turned off; `isEndless` and `hasRecursion` are off. */
export interface KernelOptions {
  /** `memory.copy`, `memory.fill`, `memory.init`, `data.drop`, and passive segments. */
  readonly hasBulk?: boolean;
  readonly hasSimd?: boolean;
  /** `log`, `random` and `exit.fail`. */
  readonly hasImports?: boolean;
  readonly canGrow?: boolean;
  /**
   * Whether a float that was computed is made a canonical NaN if it is a NaN. Without it, the bits of NaNs differ between engines
   * that do not do that by themselves.
   */
  readonly hasCanonicalNans?: boolean;
  /** Loops go on until their own conditions end them, which may be never. Otherwise all loops of a task share a few hundred rounds. */
  readonly isEndless?: boolean;
  /** Functions also call themselves and those before them, until a few ten thousand such calls are used up, or the stack is. Off. */
  readonly hasRecursion?: boolean;
}

export interface Signature {
  readonly params: string;
  readonly results: string;
}

export interface GlobalPlan {
  readonly index: number;
  readonly type: ValueType;
  readonly isMutable: boolean;
}

export interface Plan {
  readonly options: Required<KernelOptions>;
  readonly types: readonly ValueType[];
  /** Types of the module, by their index. */
  readonly signatures: readonly Signature[];
  /** The functions whose code is generated, each by its signature's index; the first is called by `run`. */
  readonly functions: readonly number[];
  /** The index of the first of them in the module. */
  readonly functionsFrom: number;
  /** Indexes of functions among `functions`, or undefined where the table has a hole. */
  readonly table: readonly (number | undefined)[];
  readonly globals: readonly GlobalPlan[];
  readonly pagesMax: number;
  /** Lengths of the passive segments, which come first. */
  readonly passive: readonly number[];
}

/** The index of the global that loops count down. Global 0 is where the heap ends. */
export const ROUNDS = 1;
/** The index of the global that calls back count down. */
export const CALLS_BACK = 2;
const GLOBALS_FROM = 3;

/** Functions before the generated ones: imports, then run, cabi_realloc, cabi_post_run. */
const OWN_FUNCTIONS = 3;

/** Imports, by their index. */
export const IMPORTS = { fail: 0, write: 1, fill: 2 } as const;

/** The signature of the function that `run` calls with its input, of `()->()`, and some more. */
const MAIN = 'ii>i';
const FUNCTIONS_MAX = 6;
const SIGNATURES = 10;

export function planKernel(dice: Dice, options: KernelOptions): Plan {
  const filled = {
    hasBulk: true,
    hasSimd: true,
    hasImports: true,
    canGrow: true,
    hasCanonicalNans: true,
    isEndless: false,
    hasRecursion: false,
    ...options,
  };
  const types: ValueType[] = filled.hasSimd ? ['i', 'I', 'f', 'F', 'v'] : ['i', 'I', 'f', 'F'];
  const letters = (countMax: number) =>
    Array.from({ length: dice.below(countMax + 1) }, () => dice.pick(types)).join('');
  const texts = new Set([MAIN, '>']);
  while (texts.size < SIGNATURES) texts.add(`${letters(4)}>${letters(dice.oneIn(3) ? 3 : 1)}`);
  const signatures = [...texts].map((text) => {
    const [params = '', results = ''] = text.split('>');
    return { params, results };
  });
  const functions = [0, ...Array.from({ length: 1 + dice.below(FUNCTIONS_MAX) }, () => 1 + dice.below(SIGNATURES - 1))];
  // Beside counted calls back, a function calls later ones only, and the table holds the last ones.
  const later = functions.map((_, index) => index).slice(Math.ceil(functions.length / 2));
  const table = Array.from({ length: 1 + dice.below(6) }, () => (dice.oneIn(6) ? undefined : dice.pick(later)));
  return {
    options: filled,
    types,
    signatures,
    functions,
    functionsFrom: (filled.hasImports ? Object.keys(IMPORTS).length : 0) + OWN_FUNCTIONS,
    table,
    globals: Array.from({ length: types.length + dice.below(5) }, (_, at) => ({
      index: GLOBALS_FROM + at,
      type: types[at] ?? dice.pick(types),
      isMutable: !dice.oneIn(5),
    })),
    pagesMax: 1 + dice.below(4),
    passive: filled.hasBulk ? Array.from({ length: dice.below(3) }, () => dice.below(80)) : [],
  };
}
