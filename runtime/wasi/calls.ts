// The imports of a WASI program, made for one task from the table of all calls. What the table always refuses needs no code of its own.
import { type AnyCall, beginCall, byName, endCall, type HostImports } from '../abi/imports.ts';
import { range, setU32 } from '../abi/memory.ts';
import { writeRandom } from '../abi/random.ts';
import { guestOf, type HostFunction, type TaskRoom } from '../abi/room.ts';
import type { KernelFacts } from '../job/kernel.ts';
import { TaskFailure } from '../job/outcome.ts';
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
      writeSizes(room, [count, bytes], [args.length, args.reduce((sum, { byteLength }) => sum + byteLength, 0)]),
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
  environ_sizes_get: (room) => (count: number, bytes: number) => writeSizes(room, [count, bytes], [0, 0]),
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

/** A task that runs, as the imports of its program see it: what each does is made when it is called first. */
interface Visit {
  readonly room: TaskRoom;
  readonly program: Program;
  readonly calls: (AnyCall | undefined)[];
}

/** The imports of a kernel, and whose calls they are. */
interface Board {
  readonly imports: HostImports;
  visit: Visit | undefined;
}

const boards = new WeakMap<KernelFacts, Board>();

/**
 * The imports of a program: exactly those that it asks for. They are made once for all tasks of its kernel in a thread, since V8 takes as
 * long for an instance with twenty new ones as for the rest of its start. They reach the task of `whileRunning`, and without one nothing.
 */
export function programImports({ facts }: TaskRoom): HostImports {
  return { ...boardOf(facts).imports };
}

/** Does what calls the guest: until then its imports are this task's. A task that is begun in one of them ends before that one returns. */
export function whileRunning(room: TaskRoom, program: Program, act: () => void): void {
  const board = boardOf(room.facts);
  const outer = board.visit;
  board.visit = { room, program, calls: [] };
  try {
    act();
  } finally {
    board.visit = outer;
  }
}

function boardOf(facts: KernelFacts): Board {
  const known = boards.get(facts);
  if (known) return known;
  const board: Board = {
    visit: undefined,
    imports: byName(facts.imports, (index, { function: name }) => {
      const make = makerOf(name);
      return (...args) => {
        const { visit } = board;
        if (!visit) throw new TaskFailure('ERR_HOST_FAULT', 'an import was called where no program runs');
        const { room, program, calls } = visit;
        beginCall(room, index);
        try {
          const call = calls[index] ?? make(room, program);
          calls[index] = call;
          return call(...args);
        } catch (thrown) {
          // What a call refuses is its answer.
          if (thrown instanceof Refusal) return ERRNO[thrown.reason];
          throw thrown;
        } finally {
          endCall(room);
        }
      };
    }),
  };
  boards.set(facts, board);
  return board;
}

function makerOf(name: string): (room: TaskRoom, program: Program) => AnyCall {
  const call = PREVIEW1[name];
  const make = CALLS[name];
  if (call && call.answer !== 'given') return (_, program) => refusal(call, program);
  if (!call || !make) throw new TaskFailure('ERR_HOST_FAULT', `no import wasi.${name} here`);
  return (room, program) => make(room, program) as AnyCall;
}

/** What is always answered in the same way. */
function refusal({ answer, fd }: SystemCall, program: Program): AnyCall {
  const error = ERRNO[answer as keyof typeof ERRNO];
  if (fd === undefined) return () => error;
  return (...args) => (program.open.get(Number(args[fd])) ? error : ERRNO.BADF);
}

function writeSizes(room: TaskRoom, areas: readonly [number, number], sizes: readonly [number, number]): number {
  const memory = guestOf(room).bytes();
  const first = range(memory, areas[0], 4, 1, 'a size');
  const second = range(memory, areas[1], 4, 1, 'a size');
  setU32(memory, first, sizes[0]);
  setU32(memory, second, sizes[1]);
  room.bytesMoved += 8;
  return ERRNO.SUCCESS;
}
