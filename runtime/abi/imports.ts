// The world's imports, made anew for each task from what it was granted. They close over nothing but that task.
import { GUEST } from '../base/limits.ts';
import { LOG_LEVELS, TaskFailure } from '../job/outcome.ts';
import type { InterfaceName, KernelImport } from '../job/world.ts';
import { allocate, lowerBytes, range, setU32, setU64, stringBytes, violation } from './memory.ts';
import { OUTSIDE_MAKERS } from './outside.ts';
import { writeRandom } from './random.ts';
import { guestOf, type HostFunction, keepsLine, type Make, refuse, type TaskRoom, text } from './room.ts';

export type { HostFunction, TaskRoom } from './room.ts';

/** Module name -> function name -> function. */
export type HostImports = Record<string, Record<string, HostFunction>>;

type Given = number | bigint | undefined;

/** An import, whatever it takes. */
export type AnyCall = (...args: unknown[]) => Given;

const NO_LEAVE = 'an import was called from cabi_realloc or a cabi_post_ function';

/** Every function of the world. */
const MAKERS: Readonly<Record<InterfaceName, Readonly<Record<string, Make>>>> = {
  ...OUTSIDE_MAKERS,
  exit: {
    fail: (room) => (pointer: number, length: number) => {
      throw new TaskFailure('ERR_EXIT', text(room, pointer, length, GUEST.messageBytesMax.default));
    },
  },
  log: { write: (room) => (level: number, pointer: number, length: number) => write(room, level, pointer, length) },
  random: { fill: (room) => (length: number, area: number) => fill(room, length >>> 0, area) },
  clock: { now: (room) => () => BigInt(Math.max(0, Math.round((room.platform.now() - room.startedAt) * 1e6))) },
  blobs: {
    size: (room) => (pointer: number, length: number, area: number) =>
      blobSize(room, text(room, pointer, length), area),
    read: (room) => (pointer: number, length: number, offset: bigint, count: number, area: number) =>
      blobRead(room, text(room, pointer, length), BigInt.asUintN(64, offset), count >>> 0, area),
  },
};

/** The imports of one task: exactly those its kernel asks for. */
export function importsOf(room: TaskRoom): HostImports {
  return byName(room.facts.imports, (index, wanted) => {
    const make = makerOf(wanted);
    let call: AnyCall | undefined;
    return (...args) => {
      beginCall(room, index);
      try {
        call ??= make(room) as AnyCall;
        return call(...args);
      } finally {
        endCall(room);
      }
    };
  });
}

/** A function for each import, under its module and its name. */
export function byName(
  imports: readonly KernelImport[],
  functionOf: (index: number, wanted: KernelImport) => AnyCall,
): HostImports {
  const named: HostImports = {};
  imports.forEach((wanted, index) => {
    // Names of the table: none of them is one that every object inherits.
    named[wanted.module] ??= {};
    (named[wanted.module] as Record<string, AnyCall>)[wanted.function] = functionOf(index, wanted);
  });
  return named;
}

/** Counts a call of the import at a place of the kernel's list. Arguments do not pass through here: they would need an array. */
export function beginCall(room: TaskRoom, index: number): void {
  room.calls[index] = (room.calls[index] ?? 0) + 1;
  // To fail is allowed everywhere: it never returns into the guest.
  if (room.guest?.mayLeave === false && room.facts.imports[index]?.interface !== 'exit') violation(NO_LEAVE);
  room.bytesMoved = 0;
}

/** What was begun is paid for, however it ended. */
export function endCall(room: TaskRoom): void {
  room.fuel?.charge(room.bytesMoved);
}

function makerOf({ interface: from, function: name }: KernelImport): Make {
  const make = from === 'wasi' ? undefined : MAKERS[from][name];
  if (!make) throw new TaskFailure('ERR_HOST_FAULT', `no import ${from}.${name} here`);
  return make;
}

function write(room: TaskRoom, level: number, pointer: number, length: number): undefined {
  const name = LOG_LEVELS[level >>> 0] ?? violation(`log level ${level >>> 0} is not one of 0 to 3`);
  const size = stringBytes(room.facts.encoding, length);
  range(guestOf(room).bytes(), pointer, size, room.facts.encoding === 'utf16' ? 2 : 1, 'a string');
  if (keepsLine(room, size)) room.lines.push({ level: name, text: text(room, pointer, length, size) });
}

function fill(room: TaskRoom, length: number, area: number): undefined {
  const at = range(guestOf(room).bytes(), area, 8, 4, 'the result area');
  const pointer = allocate(guestOf(room), 1, length);
  writeRandom(room, pointer, length);
  const memory = guestOf(room).bytes();
  setU32(memory, at, pointer);
  setU32(memory, at + 4, length);
}

/** `result<u64, string>`: tag at 0, the number or pointer and length at 8. */
function blobSize(room: TaskRoom, name: string, area: number): undefined {
  const blob = blobOf(room, name);
  if (!blob) return refuse(room, area, 16, 8, `no blob named "${name}" was granted`);
  const memory = guestOf(room).bytes();
  const at = range(memory, area, 16, 8, 'the result area');
  memory[at] = 0;
  setU64(memory, at + 8, BigInt(blob.byteLength));
}

/** `result<list<u8>, string>`: tag at 0, pointer at 4, length at 8. Short at the blob's end. */
function blobRead(room: TaskRoom, name: string, offset: bigint, count: number, area: number): undefined {
  const blob = blobOf(room, name);
  if (!blob) return refuse(room, area, 12, 4, `no blob named "${name}" was granted`);
  if (offset > BigInt(blob.byteLength)) {
    return refuse(room, area, 12, 4, `offset ${offset} is beyond the end of blob "${name}" (${blob.byteLength} bytes)`);
  }
  const from = Number(offset);
  const guest = guestOf(room);
  const at = range(guest.bytes(), area, 12, 4, 'the result area');
  const piece = blob.subarray(from, Math.min(blob.byteLength, from + count));
  const pointer = lowerBytes(guest, piece);
  room.bytesMoved += piece.byteLength;
  const memory = guest.bytes();
  memory[at] = 0;
  setU32(memory, at + 4, pointer);
  setU32(memory, at + 8, piece.byteLength);
}

function blobOf(room: TaskRoom, name: string): Uint8Array | undefined {
  // Blobs of pinned folders have no names, but a colon in what stands for one.
  return !name.includes(':') && Object.hasOwn(room.blobs, name) ? room.blobs[name] : undefined;
}
