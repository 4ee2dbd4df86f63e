// What prepared modules look like, for those who run them and need not be able to make them: a kernel worker of a tab has nothing of a rewriter.

/** Part of every key and receipt: two rewriters may disagree on a failed task's fuel. Whoever changes the meter raises it, too. */
export const REWRITER_VERSION = 7;

/** Under this name the host gives the memory where it is imported. */
export const MEMORY_IMPORT = { module: 'lodger:host', name: 'memory' } as const;

/**
 * `() -> (i32)`: sets every mutable global to what it was at first, and gives back where the initial data ends in the memory. It is there
 * only where nothing in an instance can change but globals and the memory.
 */
export const RESET_EXPORT = 'lodger:reset';

/** As many pages as 32-bit addresses reach. */
export const PAGES_MAX = 65_536;

/** What an engine wants of a module. */
export interface Form {
  /** An import, so that the host can keep it (any memory within the kernel's own bounds fits), or a definition. */
  readonly memoryForm: 'imported' | 'defined';
  /** Whether it counts its fuel. */
  readonly metered: boolean;
  /** Of one that does: whether NaNs that arithmetic makes have the same bits on every machine. */
  readonly canonicalNaNs?: boolean;
  /** Written into a defined memory as its maximum, unless the kernel's own is lower. */
  readonly memoryPagesMax?: number;
}
