// The door `lodger/kernel`: everything a kernel's author may import.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
export { blobs } from './blobs';
export { clock } from './clock';
export { fail } from './exit';
export { files } from './files';
export { http, HttpResponse } from './http';
export { log } from './log';
export { random } from './random';
export { Reader } from './reader';
export { Settings } from './settings';
export { Writer } from './writer';
