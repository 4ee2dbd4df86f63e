// The state of a running instance, in and out: the host lends a range of the guest's memory for it, and leaves no trace there.
import { PAGE } from '../base/limits.ts';
import { TaskFailure } from '../job/outcome.ts';
import { STATE_EXPORTS } from './state.ts';

/** What is needed of a running instance of a module that `addState` made. Between two calls of the kernel's own only. */
export interface StateGuest {
  /** Its memory as it is now. */
  bytes(): Uint8Array;
  call(name: string, a?: number): number;
}

/** The state as bytes, in the layout of `Stateful.fields`. */
export function saveState(guest: StateGuest, stateBytes: number): Uint8Array<ArrayBuffer> {
  const lent = guest.bytes().slice(0, stateBytes);
  guest.call(STATE_EXPORTS.save, 0);
  const memory = guest.bytes();
  const state = memory.slice(0, stateBytes) as Uint8Array<ArrayBuffer>;
  memory.set(lent);
  return state;
}

/** Loads a state that `saveState` gave, from any instance of the same module. */
export function loadState(guest: StateGuest, state: Uint8Array): void {
  const memory = guest.bytes();
  const lent = memory.slice(0, state.byteLength);
  memory.set(state);
  guest.call(STATE_EXPORTS.load, 0);
  guest.bytes().set(lent);
}

/** Grows the memory to so many pages of 64 KiB. Throws `ERR_HOST_MEMORY` where this host or the module's maximum has no room. */
export function growTo(guest: StateGuest, memoryPages: number): void {
  const more = memoryPages - guest.bytes().byteLength / PAGE;
  if (more > 0 && guest.call(STATE_EXPORTS.grow, more) < 0) {
    throw new TaskFailure('ERR_HOST_MEMORY', `${memoryPages} pages of 64 KiB for an image could not be mapped`);
  }
}
