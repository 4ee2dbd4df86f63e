// The door `lodger/kernel`: everything a kernel's author may import.
export { blobs } from './blobs';
export { clock } from './clock';
export { fail } from './exit';
export { files } from './files';
export { http, HttpResponse } from './http';
export { log } from './log';
export { random } from './random';
export { Reader } from './reader';
export { Writer } from './writer';
