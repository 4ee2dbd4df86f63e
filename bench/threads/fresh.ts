// A thread that reads a shared input once and moves an output of the same size back, as the pool's threads do.
import { Piscina } from 'piscina';

export default (input: Uint8Array): unknown => Piscina.move(new Uint8Array(input) as never);
