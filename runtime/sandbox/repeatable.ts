// Whether a task would end in the same way again, by what its kernel imports and was granted.
import type { Kernel } from '../job/kernel.ts';
import type { OutsideTerms } from '../job/outside.ts';
import { IMPORTABLE } from '../job/world.ts';

/** Whether every run of a kernel with these grants gives the same answer: pinned folders do, others and real clocks do not. */
export function isRepeatable({ imports }: Pick<Kernel, 'imports'>, outside: OutsideTerms | undefined): boolean {
  const pinned = outside?.folders.every(({ source }) => 'tree' in source) ?? false;
  return imports.every(({ interface: name }) => {
    if (name === 'wasi') return !outside || (pinned && !outside.clock);
    return IMPORTABLE[name].deterministic || (name === 'files' && pinned);
  });
}
