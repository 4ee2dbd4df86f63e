// One running task, as its imports see it, and what all of them do: lift a text, lower a refusal.
import { GUEST, type Limits } from '../base/limits.ts';
import type { Platform } from '../base/platform.ts';
import type { KernelFacts } from '../job/kernel.ts';
import type { LogLine } from '../job/outcome.ts';
import type { FilesSide, HttpSide } from '../job/outside.ts';
import { type GuestMemory, liftString, lowerString, range, setU32, stringBytes, violation } from './memory.ts';

/** An import as an engine calls it: i32 as number, i64 as bigint. */
export type HostFunction = (...args: never[]) => number | bigint | undefined;

/** Makes an import for one task. */
export type Make = (room: TaskRoom) => HostFunction;

/** One running task, as its imports see it. */
export interface TaskRoom {
  readonly facts: KernelFacts;
  readonly limits: Limits;
  readonly platform: Platform;
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  /** 32 bytes, made when first asked for. */
  readonly key: () => Uint8Array;
  /** Set once the guest is there: imports run later than that. */
  guest: GuestMemory | undefined;
  readonly startedAt: number;
  /** Of a metered kernel: takes the price of a host call, and looks in long ones whether to go on. */
  readonly fuel?: { charge(bytes: number): void; look(): void };
  /** What the host call that runs has read from the guest, and given to it. */
  bytesMoved: number;
  /** Calls by import, in the order of `facts.imports`. */
  readonly calls: number[];
  readonly lines: LogLine[];
  linesDropped: number;
  logBytes: number;
  randomBytes: number;
  /** What reaches beyond the task, where that was granted. */
  readonly outside?: Outside;
}

/** Where a task's files and requests go. */
export interface Outside {
  /** Of the folder that a path is in. Throws a Refusal. */
  files(path: string): FilesSide;
  /** Under which paths folders are granted. */
  readonly folders: readonly string[];
  mayWrite(path: string): boolean;
  /** Waits for at most so many ms. Throws when the task has to end. */
  wait(ms: number): void;
  readonly http?: HttpSide;
}

/** The instance, which is there when imports run. */
export function guestOf(room: TaskRoom): GuestMemory {
  return room.guest ?? violation('an import was called before the instance was there');
}

/** A text of the guest's, cut at `bytesMax`. */
export function text(
  room: TaskRoom,
  pointer: number,
  length: number,
  bytesMax: number = GUEST.nameBytesMax.default,
): string {
  room.bytesMoved += Math.min(stringBytes(room.facts.encoding, length), bytesMax);
  return liftString(guestOf(room).bytes(), room.facts.encoding, pointer, length, bytesMax);
}

/** Whether the log has room for a line of so many bytes, which is then taken; else it is counted as dropped. */
export function keepsLine(room: TaskRoom, size: number): boolean {
  if (room.lines.length >= room.limits.logLinesMax || room.logBytes + size > room.limits.logBytesMax) {
    room.linesDropped++;
    return false;
  }
  room.logBytes += size;
  return true;
}

/** The `err` branch of a result. */
export function refuse(room: TaskRoom, area: number, size: number, align: 4 | 8, message: string): undefined {
  const guest = guestOf(room);
  const at = range(guest.bytes(), area, size, align, 'the result area');
  const [pointer, length] = lowerString(guest, room.facts.encoding, message);
  room.bytesMoved += stringBytes(room.facts.encoding, length);
  const memory = guest.bytes();
  memory[at] = 1;
  setU32(memory, at + align, pointer);
  setU32(memory, at + align + 4, length);
}
