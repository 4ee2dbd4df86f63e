// The door `lodger/kernel`: everything a kernel's author may import.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
export { blobs } from './blobs';
export { clock } from './clock';
export { cholesky, multiply } from './dense';
export { fail } from './exit';
export { Fft } from './fft';
export { files } from './files';
export { http, HttpResponse } from './http';
export { log } from './log';
export { math, math2, math4 } from './math';
export { Philox } from './philox';
export { random } from './random';
export { Reader } from './reader';
export { Settings } from './settings';
export { sums } from './sums';
export { Writer } from './writer';
