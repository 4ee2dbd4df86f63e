// The door `lodger/transform`: what asc needs to compile a kernel.
export { KernelAbi } from './abi.ts';
export { InlineAccessors } from './inline.ts';
export { libraryTexts, packageRoot } from './library.ts';
