// What a module says about itself, as plain data: the result of reading it.
import type { Feature } from './opcodes.ts';
import type { CustomSection, Section } from './sections.ts';

/** Types are letters: i = i32, I = i64, f = f32, F = f64, v = v128, r = funcref, x = externref. */
export interface FunctionType {
  readonly params: string;
  readonly results: string;
}

export interface Size {
  readonly min: number;
  readonly max?: number;
}

export interface Global {
  readonly type: string;
  readonly mutable: boolean;
  /** What it holds at first; absent where it is imported. */
  readonly value?: ConstantExpression;
}

export const EXTERN_KINDS = ['function', 'table', 'memory', 'global', 'tag'] as const;
export type ExternKind = (typeof EXTERN_KINDS)[number];

export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** Of a function: the index of its type. */
  readonly type: number;
}

export interface ModuleExport {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
}

/** A constant expression: one constant or one global. `start` to `end` includes the closing `end`. */
export interface ConstantExpression {
  readonly opcode: number;
  /** The constant of `i32.const`, the index of `global.get`, else 0. */
  readonly value: number;
  readonly start: number;
  readonly end: number;
}

export interface ElementSegment {
  readonly mode: 'active' | 'passive' | 'declared';
  readonly table: number;
  readonly offset?: ConstantExpression;
  readonly count: number;
  /** Where its items begin in the file, and whether each is a constant expression rather than the index of a function. */
  readonly items: number;
  readonly expressions: boolean;
}

export interface DataSegment {
  readonly mode: 'active' | 'passive';
  readonly offset?: ConstantExpression;
  /** Where the bytes lie in the file. */
  readonly start: number;
  readonly end: number;
}

/** A function body: where it lies, and what compiling it costs. */
export interface Body {
  /** The byte after the body's size. */
  readonly start: number;
  /** The first instruction. */
  readonly code: number;
  readonly end: number;
  /** Declared locals and parameters. */
  readonly locals: number;
  /** Blocks, loops, ifs, elses and branch targets, and what compilers make blocks for: indirect calls, some arithmetic. */
  readonly controlPoints: number;
  /** Calls, and what compilers leave the function for: arithmetic that may trap, bulk memory. */
  readonly exits: number;
  /**
   * Sum over the control points of the values merged there: all locals and operands, and what a branch or block takes along;
   * and over calls of their parameters and results. Compilers make a node and a move for each.
   */
  readonly complexity: number;
  /** How deep blocks are nested; the body itself counts as none. */
  readonly nesting: number;
  /** Operands on the stack at most. */
  readonly height: number;
  /** Sum of the sizes of all loops, inner ones counted again in each that holds them. Compilers scan every loop whole. */
  readonly loopBytes: number;
}

/** A module as read. Where `unread` is set, reading stopped there: what comes after is missing. */
export interface Module {
  readonly bytes: Uint8Array;
  readonly sections: readonly Section[];
  readonly customs: readonly CustomSection[];
  readonly types: readonly FunctionType[];
  readonly imports: readonly ModuleImport[];
  /** Type index of every function, imported ones first. */
  readonly functions: readonly number[];
  /** How many of `functions` are imported. */
  readonly functionsImported: number;
  /** Imported ones first, as with memories and globals. */
  readonly tables: readonly Size[];
  readonly memories: readonly Size[];
  readonly globals: readonly Global[];
  readonly exports: readonly ModuleExport[];
  readonly start?: { readonly index: number; readonly at: number };
  readonly elements: readonly ElementSegment[];
  readonly dataCount?: number;
  /** One for each function that is not imported. */
  readonly bodies: readonly Body[];
  readonly data: readonly DataSegment[];
  /** Every feature met, and the offset where it was met first. */
  readonly features: ReadonlyMap<Feature, number>;
  /** The feature that this reader does not read. */
  readonly unread?: { readonly feature: Feature; readonly at: number };
}
