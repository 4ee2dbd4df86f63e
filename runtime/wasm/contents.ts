// Reads what is in each section into a draft of the module. Source: core specification 2.0, 5.5 "Modules".
import { BodyReader } from './body.ts';
import { type Draft, note, Unread } from './draft.ts';
import { EXTERN_KINDS, type ExternKind, type Global } from './module.ts';
import { malformed, type Reader } from './reader.ts';
import { SECTION } from './sections.ts';
import { constantExpression, funcref, size, valueType, valueTypes } from './values.ts';

/** One function a section. Each leaves the reader behind what it has read. */
export const CONTENTS: Readonly<Record<number, (reader: Reader, draft: Draft) => void>> = {
  [SECTION.type]: readTypes,
  [SECTION.import]: readImports,
  [SECTION.function]: readFunctions,
  [SECTION.table]: readTables,
  [SECTION.memory]: readMemories,
  [SECTION.tag]: (reader) => {
    throw new Unread('exceptions', reader.at);
  },
  [SECTION.global]: readGlobals,
  [SECTION.export]: readExports,
  [SECTION.start]: (reader, draft) => {
    draft.start = { at: reader.at, index: reader.u32() };
  },
  [SECTION.element]: readElements,
  [SECTION.dataCount]: (reader, draft) => {
    draft.dataCount = reader.u32();
  },
  [SECTION.code]: readCode,
  [SECTION.data]: readData,
};

function readTypes(reader: Reader, draft: Draft): void {
  for (let left = reader.count('types', 2, 'types'); left > 0; left--) {
    const at = reader.at;
    const form = reader.byte();
    if (form === 0x5d) throw new Unread('stack-switching', at);
    if (form >= 0x4c && form < 0x60) throw new Unread('gc', at);
    if (form !== 0x60) throw malformed(`0x${form.toString(16)} is not the form of a type`, at);
    const params = valueTypes(reader, draft.seen, 'parameters');
    const results = valueTypes(reader, draft.seen, 'results');
    if (results.length > 1) note(draft.seen, 'multi-value', at);
    draft.types.push({ params, results });
  }
}

function readImports(reader: Reader, draft: Draft): void {
  for (let left = reader.count('imports', 4, 'imports'); left > 0; left--) {
    const module = reader.name();
    const name = reader.name();
    const kind = externKind(reader);
    let type = 0;
    if (kind === 'function') {
      type = typeIndex(reader, draft);
      draft.functions.push(type);
      draft.functionsImported++;
    } else if (kind === 'table') {
      funcref(reader);
      draft.tables.push(size(reader));
    } else if (kind === 'memory') draft.memories.push(size(reader));
    else {
      const global = readGlobalType(reader, draft);
      if (global.mutable) note(draft.seen, 'mutable-globals', reader.at - 1);
      draft.globals.push(global);
    }
    draft.imports.push({ module, name, kind, type });
  }
}

function readFunctions(reader: Reader, draft: Draft): void {
  for (let left = reader.count('functions', 1, 'functions'); left > 0; left--) {
    draft.functions.push(typeIndex(reader, draft));
  }
}

function readTables(reader: Reader, draft: Draft): void {
  for (let left = reader.count('tables', 3, 'tables'); left > 0; left--) {
    funcref(reader);
    draft.tables.push(size(reader));
  }
}

function readMemories(reader: Reader, draft: Draft): void {
  for (let left = reader.count('memories', 2, 'memories'); left > 0; left--) draft.memories.push(size(reader));
}

function readGlobals(reader: Reader, draft: Draft): void {
  for (let left = reader.count('globals', 4, 'globals'); left > 0; left--) {
    const type = readGlobalType(reader, draft);
    draft.globals.push({ ...type, value: constantExpression(reader, draft.seen, 'value') });
  }
}

function readGlobalType(reader: Reader, draft: Draft): Global {
  const type = valueType(reader, draft.seen);
  const at = reader.at;
  const mutability = reader.byte();
  if (mutability === 2 || mutability === 3) throw new Unread('threads', at);
  if (mutability > 1) throw malformed('a global is neither constant nor mutable', at);
  return { type, mutable: mutability === 1 };
}

function readExports(reader: Reader, draft: Draft): void {
  for (let left = reader.count('exports', 3, 'exports'); left > 0; left--) {
    const at = reader.at;
    const name = reader.name();
    const kind = externKind(reader);
    const index = reader.u32();
    if (kind === 'global' && draft.globals[index]?.mutable) note(draft.seen, 'mutable-globals', at);
    draft.exports.push({ name, kind, index });
  }
}

function readElements(reader: Reader, draft: Draft): void {
  for (let left = reader.count('element segments', 2, 'elementSegments'); left > 0; left--) {
    const at = reader.at;
    const flags = reader.u32();
    if (flags > 7) throw malformed(`${flags} are not the flags of an element segment`, at);
    if (flags !== 0) note(draft.seen, 'bulk-memory', at);
    const mode = flags & 1 ? (flags & 2 ? 'declared' : 'passive') : 'active';
    const table = mode === 'active' && flags & 2 ? reader.u32() : 0;
    const offset = mode === 'active' ? { offset: constantExpression(reader, draft.seen, 'value') } : {};
    const expressions = (flags & 4) !== 0;
    if (flags & 3) {
      if (expressions) funcref(reader);
      else if (reader.byte() !== 0) throw malformed('an element segment holds no functions', reader.at - 1);
    }
    const count = reader.count('elements', 1, 'elements');
    const items = reader.at;
    for (let item = count; item > 0; item--) {
      if (expressions) constantExpression(reader, draft.seen, 'items');
      else reader.u32();
    }
    draft.elements.push({ mode, table, count, items, expressions, ...offset });
  }
}

function readCode(reader: Reader, draft: Draft): void {
  const at = reader.at;
  const count = reader.count('function bodies', 3, 'functions');
  const { functions, functionsImported, types } = draft;
  if (count !== functions.length - functionsImported) throw malformed('functions and bodies differ in number', at);
  const bodies = new BodyReader(reader.bytes, draft);
  for (let index = 0; index < count; index++) {
    const length = reader.u32();
    const start = reader.at;
    reader.skip(length);
    const type = types[functions[functionsImported + index] as number];
    if (type !== undefined) draft.bodies.push(bodies.read(start, reader.at, type));
  }
}

function readData(reader: Reader, draft: Draft): void {
  const at = reader.at;
  const count = reader.count('data segments', 2, 'dataSegments');
  if (draft.dataCount !== undefined && draft.dataCount !== count) {
    throw malformed('the data count and the data differ in number', at);
  }
  for (let left = count; left > 0; left--) {
    const flagsAt = reader.at;
    const flags = reader.u32();
    if (flags > 2) throw malformed(`${flags} are not the flags of a data segment`, flagsAt);
    if (flags !== 0) note(draft.seen, 'bulk-memory', flagsAt);
    if (flags === 2 && reader.u32() !== 0) throw new Unread('multi-memory', flagsAt);
    const mode = flags === 1 ? 'passive' : 'active';
    const offset = mode === 'active' ? { offset: constantExpression(reader, draft.seen, 'value') } : {};
    const length = reader.u32();
    const start = reader.at;
    reader.skip(length);
    draft.data.push({ mode, start, end: reader.at, ...offset });
  }
}

function externKind(reader: Reader): ExternKind {
  const at = reader.at;
  const byte = reader.byte();
  const kind = EXTERN_KINDS[byte];
  if (kind === undefined) throw malformed(`0x${byte.toString(16)} is not the kind of an import or export`, at);
  if (kind === 'tag') throw new Unread('exceptions', at);
  return kind;
}

function typeIndex(reader: Reader, draft: Draft): number {
  const at = reader.at;
  const index = reader.u32();
  if (index >= draft.types.length) throw malformed(`a function has type ${index}, which is not there`, at);
  return index;
}
