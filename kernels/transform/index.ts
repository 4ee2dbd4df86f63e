// The door `lodger/transform`: what asc needs to compile a kernel.
import type { Parser, Program } from 'assemblyscript';
import { KernelAbi } from './abi.ts';
import { InlineAccessors } from './inline.ts';
import { type LiftOptions, liftLoops } from './lift/lift.ts';

export { libraryTexts, packageRoot } from './library.ts';
export type { LoopReport } from './lift/report.ts';
export { InlineAccessors, KernelAbi };

/** asc transform: lifts the loops of optimised builds. asc makes transforms from classes, so options come before. */
export function createLift(options: LiftOptions = {}): new () => { afterInitialize(program: Program): void } {
  return class {
    afterInitialize(program: Program): void {
      if (program.options.willOptimize) liftLoops(program, options);
    }
  };
}

/** All transforms as one, for asc's own command line: `asc kernel.ts --transform lodger/transform --runtime stub ...`. */
export default class KernelTransform extends KernelAbi {
  override afterParse(parser: Parser): void {
    new InlineAccessors().afterParse(parser);
    super.afterParse(parser);
  }

  override afterInitialize(program: Program): void {
    super.afterInitialize(program);
    new (createLift())().afterInitialize(program);
  }
}
