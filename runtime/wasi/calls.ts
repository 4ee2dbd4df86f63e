// The imports of a WASI program, made for one task from the table of all calls. What the table always refuses needs no code of its own.
import { type HostImports, importsOf } from '../abi/imports.ts';
import { range, setU32 } from '../abi/memory.ts';
import { writeRandom } from '../abi/random.ts';
import { guestOf, type HostFunction, type TaskRoom } from '../abi/room.ts';
import { Refusal } from '../job/outside.ts';
import { ERRNO, PREVIEW1, type SystemCall } from '../job/preview1.ts';
import { DESCRIPTOR_CALLS } from './descriptor-calls.ts';
import { PATH_CALLS } from './path-calls.ts';
import { Exited, type Program } from './program.ts';
import { STREAM_CALLS } from './streams.ts';
import { TIME_CALLS } from './time.ts';

/** Makes a call for one task. */
export type Make = (room: TaskRoom, program: Program) => HostFunction;

/** Every call that the table gives. */
const CALLS: Readonly<Record<string, Make>> = {
  ...STREAM_CALLS,
  ...DESCRIPTOR_CALLS,
  ...PATH_CALLS,
  ...TIME_CALLS,
  args_sizes_get:
    (room, { args }) =>
    (count: number, bytes: number) =>
      writeSizes(room, [count, args.length], [bytes, args.reduce((sum, { byteLength }) => sum + byteLength, 0)]),
  args_get:
    (room, { args }) =>
    (list: number, text: number) => {
      const memory = guestOf(room).bytes();
      const bytes = args.reduce((sum, { byteLength }) => sum + byteLength, 0);
      const at = range(memory, list, 4 * args.length, 1, 'the list of arguments');
      let start = range(memory, text, bytes, 1, 'the arguments');
      for (const [index, arg] of args.entries()) {
        setU32(memory, at + 4 * index, start);
        memory.set(arg, start);
        start += arg.byteLength;
      }
      room.bytesMoved += 4 * args.length + bytes;
      return ERRNO.SUCCESS;
    },
  environ_sizes_get: (room) => (count: number, bytes: number) => writeSizes(room, [count, 0], [bytes, 0]),
  environ_get: (room) => (list: number, text: number) => {
    range(guestOf(room).bytes(), list, 0, 1, 'the environment');
    range(guestOf(room).bytes(), text, 0, 1, 'the environment');
    return ERRNO.SUCCESS;
  },
  random_get: (room) => (pointer: number, length: number) => {
    const start = range(guestOf(room).bytes(), pointer, length >>> 0, 1, 'a buffer');
    writeRandom(room, start, length >>> 0);
    return ERRNO.SUCCESS;
  },
  proc_exit: () => (code: number) => {
    throw new Exited(code >>> 0);
  },
};

/** The imports of one task: exactly those that its program asks for. */
export function programImports(room: TaskRoom, program: Program): HostImports {
  return importsOf(room, ({ function: name }) => {
    const call = PREVIEW1[name];
    if (!call) return undefined;
    if (call.answer !== 'given') return refusal(call, program);
    const made = CALLS[name]?.(room, program);
    return made && answering(made);
  });
}

/** What a call refuses is its answer. */
function answering(call: HostFunction): HostFunction {
  const act = call as (...args: readonly unknown[]) => number;
  return ((...args: readonly unknown[]) => {
    try {
      return act(...args);
    } catch (thrown) {
      if (thrown instanceof Refusal) return ERRNO[thrown.reason];
      throw thrown;
    }
  }) as HostFunction;
}

/** What is always answered in the same way. */
function refusal({ answer, fd }: SystemCall, program: Program): HostFunction {
  const error = ERRNO[answer as keyof typeof ERRNO];
  if (fd === undefined) return () => error;
  const call = (...args: readonly (number | bigint)[]) => (program.open.get(Number(args[fd])) ? error : ERRNO.BADF);
  return call as HostFunction;
}

function writeSizes(room: TaskRoom, ...sizes: readonly (readonly [area: number, size: number])[]): number {
  const memory = guestOf(room).bytes();
  const places = sizes.map(([area]) => range(memory, area, 4, 1, 'a size'));
  for (const [index, at] of places.entries()) setU32(memory, at, sizes[index]?.[1] ?? 0);
  room.bytesMoved += 4 * sizes.length;
  return ERRNO.SUCCESS;
}
