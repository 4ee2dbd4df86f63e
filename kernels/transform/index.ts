// The door `lodger/transform`: what asc needs to compile a kernel.
import type { Parser } from 'assemblyscript';
import { KernelAbi } from './abi.ts';
import { InlineAccessors } from './inline.ts';

export { libraryTexts, packageRoot } from './library.ts';
export { InlineAccessors, KernelAbi };

/** Both transforms as one, for asc's own command line: `asc kernel.ts --transform lodger/transform --runtime stub ...`. */
export default class KernelTransform extends KernelAbi {
  override afterParse(parser: Parser): void {
    new InlineAccessors().afterParse(parser);
    super.afterParse(parser);
  }
}
