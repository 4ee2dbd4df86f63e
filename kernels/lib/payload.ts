// What the code of typed kernels needs, under one name: the transform writes that code and imports this. Not for authors.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
export * from './fields';
export * from './pack';
export * from './path';
export * from './unpack';
