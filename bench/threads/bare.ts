// A plain Piscina thread: one task a message, in a fresh instance with memory of its own, by hand.
import { Piscina } from 'piscina';
import { runBare } from '../bare.ts';

const module = Piscina.workerData as WebAssembly.Module;

export default (input: Uint8Array): Uint8Array => runBare(module, input);
