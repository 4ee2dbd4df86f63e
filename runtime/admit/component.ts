// Takes the core module out of a component, where it can be proved that the component adds nothing to it.
// Components made by others come in this form; their core module then runs like any kernel. Nothing of the component's own
// glue runs here: the sandbox gives the main module its imports itself.
import { COMPONENT } from '../base/reading.ts';
import type { StringEncoding } from '../job/kernel.ts';
import { Reader } from '../wasm/reader.ts';
import { isComponent } from '../wasm/sections.ts';
import { readSection } from './component/definitions.ts';
import { broken, complex, readPart } from './component/read.ts';
import { createSpaces } from './component/spaces.ts';
import { prove } from './component/wiring.ts';

const SECTIONS_MAX = COMPONENT.sections.max;

/**
 * The main core module of a component, as a view into it, and how its strings lie in memory. Only what wit-component's
 * `componentNew` makes of one core module is accepted: that module, the imports and exports of the world, and trampolines.
 * Throws `ERR_KERNEL_MALFORMED` for bytes that are no component, `ERR_KERNEL_CEILING` for a very long name in them, and
 * `ERR_COMPONENT_COMPLEX` with the reason for anything that is not proved simple. The core module itself is not checked: that is admission's part.
 */
export function extractCore(component: Uint8Array): { core: Uint8Array; encoding: StringEncoding } {
  if (!isComponent(component)) broken('the header of a component is missing', 0);
  const reader = new Reader(component, 8);
  const spaces = createSpaces();
  for (let count = 0; reader.at < reader.end; count++) {
    if (count >= SECTIONS_MAX) complex(`it has more than ${SECTIONS_MAX} sections`);
    const id = reader.byte();
    readSection(id, readPart(reader), spaces);
  }
  const { main, encoding } = prove(spaces);
  return { core: spaces.modules[main] ?? complex('it has no core module'), encoding };
}
