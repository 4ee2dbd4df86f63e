// A WASI program's side of the world: what it has open, its clock, and the lines that it writes to the log. All of it ends with the task.
import { keepsLine, type TaskRoom } from '../abi/room.ts';
import { TaskFailure } from '../job/outcome.ts';
import type { Clock } from './clock.ts';
import { Descriptors } from './descriptors.ts';

/** A line of the log that is longer comes in pieces of this many bytes. */
export const LINE_BYTES = 8 * 1024;

const NEWLINE = 10;
/** Room for the first write, if it has less: most programs write their output at once, and then it is not copied again. */
const FIRST_BYTES = 64;
const NOTHING = new Uint8Array();
const NAME = terminated('program');
const NAME_ALONE = [NAME];

/** Ends a program that has called `proc_exit`. Thrown through the guest, caught where it was called. */
export class Exited extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`it exited with code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

export interface ProgramOptions {
  readonly input: Uint8Array;
  readonly outputBytesMax: number;
  readonly clock: Clock;
  /** After its name. */
  readonly args: readonly string[];
  /** Paths of granted folders. */
  readonly folders: readonly string[];
}

export class Program {
  /** Its name and its arguments, each with a NUL at its end. */
  readonly args: readonly Uint8Array[];
  readonly clock: Clock;
  readonly open: Descriptors;
  readonly #input: Uint8Array;
  readonly #outputBytesMax: number;
  #line: Uint8Array | undefined;
  #read = 0;
  #output: Uint8Array<ArrayBuffer> = NOTHING;
  #written = 0;
  #lineBytes = 0;

  constructor({ args, input, outputBytesMax, clock, folders }: ProgramOptions) {
    this.args = args.length > 0 ? [NAME, ...args.map(terminated)] : NAME_ALONE;
    this.#input = input;
    this.#outputBytesMax = outputBytesMax;
    this.clock = clock;
    this.open = new Descriptors(folders);
  }

  /** Bytes of the input that were not read. */
  get left(): number {
    return this.#input.byteLength - this.#read;
  }

  /** Copies the input's next bytes; as many as there are. */
  read(into: Uint8Array): number {
    const count = Math.min(this.left, into.byteLength);
    if (count === 0) return 0;
    into.set(this.#input.subarray(this.#read, this.#read + count));
    this.#read += count;
    return count;
  }

  /** Fails the task where its output would be too large, before anything is copied. */
  mayWrite(count: number): void {
    const bytes = this.#written + count;
    if (bytes > this.#outputBytesMax) throw new TaskFailure('ERR_OUTPUT_TOO_LARGE', bytes, this.#outputBytesMax);
    if (bytes <= this.#output.byteLength) return;
    const wanted = Math.max(2 * this.#output.byteLength, bytes, FIRST_BYTES);
    const larger = new Uint8Array(Math.min(wanted, this.#outputBytesMax));
    larger.set(this.#output.subarray(0, this.#written));
    this.#output = larger;
  }

  /** After `mayWrite`. */
  write(bytes: Uint8Array): void {
    this.#output.set(bytes, this.#written);
    this.#written += bytes.byteLength;
  }

  /** What was written: the caller's own. Nothing can be written after that. */
  takeOutput(): Uint8Array<ArrayBuffer> {
    const output = this.#output;
    this.#output = NOTHING;
    return output.byteLength === this.#written ? output : output.slice(0, this.#written);
  }

  /** Whole lines go to the log, the rest waits for its end. What is not UTF-8 is replaced. */
  log(room: TaskRoom, bytes: Uint8Array): void {
    this.#line ??= new Uint8Array(LINE_BYTES);
    for (const byte of bytes) {
      if (byte !== NEWLINE) this.#line[this.#lineBytes++] = byte;
      if (byte === NEWLINE || this.#lineBytes === LINE_BYTES) this.#endLine(room);
    }
  }

  /** The last line, if it has no end. */
  flush(room: TaskRoom): void {
    if (this.#lineBytes > 0) this.#endLine(room);
  }

  #endLine(room: TaskRoom): void {
    const bytes = (this.#line ?? NOTHING).subarray(0, this.#lineBytes);
    if (keepsLine(room, bytes.byteLength)) room.lines.push({ level: 'info', text: new TextDecoder().decode(bytes) });
    this.#lineBytes = 0;
  }
}

function terminated(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
