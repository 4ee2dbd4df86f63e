// Reads a whole core module. Total: any bytes give a Module, `ERR_KERNEL_MALFORMED` or, beyond the highest value that a ceiling may
// have, `ERR_KERNEL_CEILING`, in time and memory linear in their length.
import { CONTENTS } from './contents.ts';
import { type Draft, Unread } from './draft.ts';
import type { Module } from './module.ts';
import { FEATURES, type Feature } from './opcodes.ts';
import { malformed, Reader } from './reader.ts';
import { checkHeader, label, readSections } from './sections.ts';

/**
 * Reads the header, then the order and sizes of all sections, then their contents in order. Where a feature begins that is not
 * read, reading stops and the module says so in `unread`. Throws `ERR_KERNEL_MALFORMED` with the reason and the offset, or
 * `ERR_KERNEL_CEILING` with the name of what there is too much of.
 */
export function readModule(bytes: Uint8Array): Module {
  checkHeader(bytes);
  const draft = emptyDraft(bytes);
  try {
    readContents(bytes, draft);
  } catch (error) {
    if (!(error instanceof Unread)) throw error;
    draft.unread = { feature: error.feature, at: error.at };
  }
  const features = new Map<Feature, number>();
  for (const [index, at] of draft.seen.entries()) if (at > 0) features.set(FEATURES[index] as Feature, at);
  if (draft.unread !== undefined && !features.has(draft.unread.feature)) {
    features.set(draft.unread.feature, draft.unread.at);
  }
  const { seen: _, ...module } = draft;
  return { ...module, features };
}

function emptyDraft(bytes: Uint8Array): Draft {
  const { sections, customs } = readSections(bytes);
  return {
    bytes,
    sections,
    customs,
    types: [],
    imports: [],
    functions: [],
    functionsImported: 0,
    tables: [],
    memories: [],
    globals: [],
    exports: [],
    elements: [],
    bodies: [],
    data: [],
    seen: new Uint32Array(FEATURES.length),
  };
}

function readContents(bytes: Uint8Array, draft: Draft): void {
  for (const { id, payload, end } of draft.sections) {
    const reader = new Reader(bytes, payload, end);
    CONTENTS[id]?.(reader, draft);
    if (reader.at !== end) throw malformed(`section ${label(id)} is longer than what it holds`, reader.at);
  }
  if (draft.bodies.length !== draft.functions.length - draft.functionsImported) {
    throw malformed('functions have no bodies', bytes.length);
  }
  if (draft.dataCount !== undefined && draft.dataCount !== draft.data.length) {
    throw malformed('the data count and the data differ in number', bytes.length);
  }
}
