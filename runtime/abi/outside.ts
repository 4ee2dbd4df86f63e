// The imports that reach beyond a task: files and http. What they may reach is settled; here are only the guest's pointers and answers.
import { TASK } from '../base/limits.ts';
import { FILES, HTTP } from '../base/outside.ts';
import { type FilesSide, Refusal } from '../job/outside.ts';
import { allocate, liftBytes, lowerBytes, lowerString, range, setU32, setU64, stringBytes } from './memory.ts';
import { guestOf, type Make, refuse, type TaskRoom, text } from './room.ts';

const METHOD_BYTES = 32;

/** By interface and name. Their areas are those of `result<...>`: a tag at 0, then what it holds, as aligned as that is. */
export const OUTSIDE_MAKERS: Readonly<Record<'files' | 'http', Readonly<Record<string, Make>>>> = {
  files: {
    size: (room) => (pointer: number, length: number, area: number) =>
      answered(room, { area, size: 16, align: 8 }, () => {
        const path = pathOf(room, pointer, length);
        const size = filesOf(room, path).size(path);
        setU64(...placeIn(room, area, 16, 8), BigInt(size));
      }),
    read: (room) => (pointer: number, length: number, offset: bigint, count: number, area: number) =>
      answered(room, { area, size: 12, align: 4 }, () => {
        const path = pathOf(room, pointer, length);
        read(room, path, { offset: BigInt.asUintN(64, offset), count: count >>> 0 }, area);
      }),
    write: (room) => (pointer: number, length: number, offset: bigint, from: number, count: number, area: number) =>
      answered(room, { area, size: 12, align: 4 }, () => {
        const path = pathOf(room, pointer, length);
        const memory = guestOf(room).bytes();
        const start = range(memory, from, count >>> 0, 1, 'a list');
        const bytes = memory.subarray(start, start + (count >>> 0));
        range(memory, area, 12, 4, 'the result area');
        room.bytesMoved += bytes.byteLength;
        filesOf(room, path).write(path, BigInt.asUintN(64, offset), bytes);
        placeIn(room, area, 12, 4);
      }),
    names: (room) => (pointer: number, length: number, area: number) =>
      answered(room, { area, size: 12, align: 4 }, () => {
        const path = pathOf(room, pointer, length);
        lowerNames(room, filesOf(room, path).names(path), area);
      }),
  },
  http: {
    request:
      (room) =>
      (...[method, methodLength, url, urlLength, from, count, area]: Request) =>
        answered(room, { area, size: 16, align: 4 }, () => {
          const words = text(room, method, methodLength, METHOD_BYTES);
          const address = bounded(room, [url, urlLength], HTTP.urlBytes.default, 'an address');
          room.bytesMoved += count >>> 0;
          const body = liftBounded(room, from, count);
          range(guestOf(room).bytes(), area, 16, 4, 'the result area');
          if (!room.outside?.http) throw new Refusal('no origin is granted');
          const answer = room.outside.http.request(words, address, body);
          const pointer = lowerBytes(guestOf(room), answer.body);
          room.bytesMoved += answer.body.byteLength;
          const [memory, at] = placeIn(room, area, 16, 4);
          setU32(memory, at, answer.status);
          setU32(memory, at + 4, pointer);
          setU32(memory, at + 8, answer.body.byteLength);
        }),
  },
};

type Request = [number, number, number, number, number, number, number];

/** What is refused goes to the guest as the `err` branch. */
function answered(
  room: TaskRoom,
  { area, size, align }: { area: number; size: number; align: 4 | 8 },
  act: () => void,
) {
  try {
    act();
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    refuse(room, area, size, align, thrown.message);
  }
  return undefined;
}

/** Sets the tag of the `ok` branch; where its value goes. */
function placeIn(room: TaskRoom, area: number, size: number, align: 4 | 8): [Uint8Array, number] {
  const memory = guestOf(room).bytes();
  const at = range(memory, area, size, align, 'the result area');
  memory[at] = 0;
  return [memory, at + align];
}

function pathOf(room: TaskRoom, pointer: number, length: number): string {
  return bounded(room, [pointer, length], FILES.pathBytes.default, 'a path');
}

/** A text that is refused, and not cut, where it is too long. UTF-16 may take twice the bytes. */
function bounded(room: TaskRoom, [pointer, length]: [number, number], bytesMax: number, what: string): string {
  const { encoding } = room.facts;
  const size = stringBytes(encoding, length);
  const max = encoding === 'utf16' ? 2 * bytesMax : bytesMax;
  range(guestOf(room).bytes(), pointer, size, encoding === 'utf16' ? 2 : 1, 'a string');
  if (size > max) throw new Refusal(`${what} of ${size} bytes is too long, at most ${max} are read`);
  return text(room, pointer, length, max);
}

function filesOf(room: TaskRoom, path: string): FilesSide {
  if (!room.outside) throw new Refusal('no folder is granted');
  return room.outside.files(path);
}

function read(room: TaskRoom, path: string, at: { offset: bigint; count: number }, area: number): void {
  const guest = guestOf(room);
  range(guest.bytes(), area, 12, 4, 'the result area');
  let pointer = 0;
  let length = 0;
  filesOf(room, path).read(path, at, (bytes) => {
    pointer = allocate(guest, 1, bytes);
    length = bytes;
    return guest.bytes().subarray(pointer, pointer + bytes);
  });
  room.bytesMoved += length;
  const [memory, place] = placeIn(room, area, 12, 4);
  setU32(memory, place, pointer);
  setU32(memory, place + 4, length);
}

/** `list<string>`: pairs of pointer and length. */
function lowerNames(room: TaskRoom, names: readonly string[], area: number): void {
  const guest = guestOf(room);
  const block = allocate(guest, 4, 8 * names.length);
  room.bytesMoved += 8 * names.length;
  names.forEach((name, index) => {
    const [pointer, length] = lowerString(guest, room.facts.encoding, name);
    room.bytesMoved += stringBytes(room.facts.encoding, length);
    // The block was checked, and memories never shrink.
    setU32(guest.bytes(), block + 8 * index, pointer);
    setU32(guest.bytes(), block + 8 * index + 4, length);
  });
  const [memory, at] = placeIn(room, area, 12, 4);
  setU32(memory, at, block);
  setU32(memory, at + 4, names.length);
}

function liftBounded(room: TaskRoom, pointer: number, count: number): Uint8Array {
  const memory = guestOf(room).bytes();
  const max = Math.min(HTTP.bodyBytes.default, TASK.inputBytesMax.max);
  if (count >>> 0 <= max) return liftBytes(memory, pointer, count);
  range(memory, pointer, count >>> 0, 1, 'a list');
  throw new Refusal(`a body of ${count >>> 0} bytes is too long, at most ${max} are sent`);
}
