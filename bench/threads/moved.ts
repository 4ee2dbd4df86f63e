// The same thread, but its output is moved, as the pool's threads do.
import { Piscina } from 'piscina';
import { marked } from './cloned.ts';

export default (input: Uint8Array): unknown => Piscina.move(marked(input) as never);
