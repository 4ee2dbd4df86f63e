// A guest on Wasmtime. Each step into native code costs up to half a microsecond, so a whole call is one step if all goes well.
import type { Halt } from '../../runtime/abi/memory.ts';
import { describe } from '../../runtime/base/errors.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import { type Guest, MORE_PAGES, type Stops } from '../../runtime/engine/engine.ts';
import { isTraced, trapName } from '../../runtime/engine/traps.ts';
import { type Frame, TaskFailure } from '../../runtime/job/outcome.ts';
import { type Dispatch, type NativeGuest, REPORT, STEPS } from './native.ts';
import { roomFor, type WasmtimeKernel } from './wasmtime-kernel.ts';

/** What a guest is made with. */
export interface Terms extends Stops {
  readonly memoryPagesMin: number;
  readonly memoryPagesMax: number;
  readonly dispatch: Dispatch;
}

/** Where a whole call may stop to be looked at, by the report's step. */
const HALTS: Readonly<Record<number, Halt['after']>> = {
  [STEPS.initialize]: '_initialize',
  [STEPS.realloc]: 'cabi_realloc',
  [STEPS.run]: 'run',
};

/** With which a program starts. */
const START = '_start';

const NO_PAGES = new Uint8Array();

/** A guest that is made when it is first called: by the runner for a whole call, or to be called step by step. */
export class WasmtimeGuest implements Guest {
  private readonly kernel: WasmtimeKernel;
  private readonly terms: Terms;
  private native: NativeGuest | undefined;
  /** Whether it is the runner's, and whether that is at work. */
  private isWhole = false;
  private isRunning = false;
  /** Whether the runner tells of its fuel and its memory by itself. */
  private isTold = false;
  /** What it begins with, and has left while `knowsFuel`: to ask it takes another step into native code. */
  private fuel = 0;
  private knowsFuel = true;
  /** Whether anybody gave it fuel: kernels that are not metered have no counter. It may be nothing, where the counter says less. */
  private isGiven = false;
  private view: Uint8Array<ArrayBuffer> = NO_PAGES;
  /** Calls that it is in now. */
  private depth = 0;
  private mayHaveGrown = true;
  private leaves = true;
  /** What its memory was, once it has ended. */
  private sizeEnded: number | undefined;

  constructor(kernel: WasmtimeKernel, terms: Terms) {
    this.kernel = kernel;
    this.terms = terms;
  }

  get mayLeave(): boolean {
    const step = this.isRunning ? this.kernel.report[REPORT.step] : STEPS.run;
    return this.leaves && step !== STEPS.realloc && step !== STEPS.post;
  }

  set mayLeave(may: boolean) {
    this.leaves = may;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    if (this.isTold) {
      if (this.kernel.report[REPORT.size] !== this.view.byteLength) this.view = this.programMemory();
      return this.view;
    }
    // The memory never moves, but a buffer does not grow with it. Between calls one look is enough.
    if (this.depth > 0 || this.mayHaveGrown) {
      const native = this.made();
      if (native.size !== this.view.byteLength) this.view = new Uint8Array(native.memory());
      this.mayHaveGrown = false;
    }
    return this.view;
  }

  /** Its memory as a program is told of it. A buffer of it takes as long as half a start, so those of memories as they begin are kept. */
  private programMemory(): Uint8Array<ArrayBuffer> {
    if (this.sizeEnded !== undefined) return NO_PAGES;
    const { runner, report, memories } = this.kernel;
    const [place, size] = [report[REPORT.memory] as number, report[REPORT.size] as number];
    const known = memories.get(place);
    // One that was emptied has no bytes.
    if (known && known.byteLength === size) return known;
    const view = new Uint8Array(runner.memory());
    if (size === this.terms.memoryPagesMin * PAGE) memories.set(place, view);
    return view;
  }

  call(name: string, a = 0, b = 0, c = 0, d = 0): number {
    if (name === START && this.start()) return 0;
    const native = this.made();
    this.depth++;
    try {
      return native.call(this.kernel.exports.get(name) as number, a, b, c, d, this.terms.dispatch);
    } catch (thrown) {
      throw this.failure(thrown);
    } finally {
      this.depth--;
      this.mayHaveGrown = true;
    }
  }

  callWhole(input: Uint8Array, outputBytesMax: number): Uint8Array<ArrayBuffer> | Halt | undefined {
    const { runner, report } = this.kernel;
    this.tell(input.byteLength, outputBytesMax);
    this.isWhole = true;
    this.isRunning = true;
    this.knowsFuel = false;
    this.depth++;
    try {
      const room = roomFor(this.kernel.outputBytes);
      const output = runner.run(input, this.terms.dispatch, room);
      const step = report[REPORT.step];
      if (step !== STEPS.declined) this.fuel = report[REPORT.fuel] as number;
      if (step === STEPS.done) return this.ended(output, room);
      this.knowsFuel = this.native === undefined;
    } catch (thrown) {
      throw this.failure(thrown);
    } finally {
      this.depth--;
      this.isRunning = false;
    }
    const after = HALTS[report[REPORT.step] as number];
    this.isWhole = after !== undefined;
    return after && { after, gave: report[REPORT.gave] as number };
  }

  /** The output of a whole call that came to its end. */
  private ended(
    output: Uint8Array<ArrayBuffer> | undefined,
    room: Uint8Array<ArrayBuffer> | undefined,
  ): Uint8Array<ArrayBuffer> {
    const { report, small } = this.kernel;
    const length = report[REPORT.outputBytes] as number;
    this.native = undefined;
    this.knowsFuel = true;
    this.sizeEnded = report[REPORT.size] as number;
    const isSmall = !output && room?.byteLength !== length;
    this.kernel.outputBytes = isSmall ? 0 : length;
    if (isSmall) return small.slice(0, length);
    return output ? new Uint8Array(output.buffer) : (room as Uint8Array<ArrayBuffer>);
  }

  /** A program from its start to its end, in one step; false if nothing was begun. */
  private start(): boolean {
    const { runner, report } = this.kernel;
    this.tell(0, 0);
    this.isWhole = true;
    this.isTold = true;
    try {
      runner.start(this.terms.dispatch);
    } catch (thrown) {
      throw this.failure(thrown);
    }
    if (report[REPORT.step] !== STEPS.declined) return true;
    this.isWhole = false;
    this.isTold = false;
    return false;
  }

  getFuel(): number {
    if (this.isTold) return this.kernel.report[REPORT.fuel] as number;
    return this.knowsFuel || !this.isMade ? this.fuel : this.made().getFuel();
  }

  setFuel(fuel: number): void {
    this.isGiven = true;
    if (this.isTold) this.kernel.report[REPORT.fuel] = fuel;
    else if (this.knowsFuel || !this.isMade) this.fuel = fuel;
    else this.made().setFuel(fuel);
  }

  takeFuelSeen(): number | undefined {
    if (!this.isWhole || this.isTold) return undefined;
    const { report } = this.kernel;
    const seen = report[REPORT.fuel] as number;
    report[REPORT.fuel] = Number.NaN;
    return Number.isNaN(seen) ? undefined : seen;
  }

  end(): number {
    const { runner, report } = this.kernel;
    if (this.sizeEnded !== undefined) return this.sizeEnded;
    if (this.isWhole) {
      runner.end();
      this.view = NO_PAGES;
      this.sizeEnded = report[REPORT.size] as number;
      return this.sizeEnded;
    }
    const size = this.native?.size ?? 0;
    this.native?.end();
    return size;
  }

  private get isMade(): boolean {
    return this.isWhole ? this.kernel.report[REPORT.step] !== STEPS.instantiate : this.native !== undefined;
  }

  private made(): NativeGuest {
    if (this.native) return this.native;
    const { kernel, terms } = this;
    try {
      this.native = this.isWhole
        ? kernel.runner.guest()
        : kernel.module.instantiate(terms.memoryPagesMax * PAGE, terms.wallMsMax, terms.job);
      if (this.knowsFuel && this.isGiven) this.native.setFuel(this.fuel);
      this.knowsFuel = false;
      return this.native;
    } catch (thrown) {
      throw this.failure(thrown);
    }
  }

  /** Tells the runner what a whole call is given. */
  private tell(inputBytes: number, outputBytesMax: number): void {
    const { report } = this.kernel;
    const { memoryPagesMax, wallMsMax = Number.NaN, job = Number.NaN } = this.terms;
    report[REPORT.memoryBytesMax] = memoryPagesMax * PAGE;
    report[REPORT.wallMs] = wallMsMax;
    report[REPORT.job] = job;
    report[REPORT.inputBytes] = inputBytes;
    report[REPORT.outputBytesMax] = outputBytesMax;
    report[REPORT.fuel] = this.fuel;
  }

  /** What ended a call, with where it was. */
  private failure(thrown: unknown): unknown {
    const failure = this.named(thrown);
    if (failure instanceof TaskFailure && isTraced(failure)) failure.places = this.places();
    return failure;
  }

  private places(): readonly Frame[] {
    if (!this.isMade) return [];
    const numbers = (this.isWhole ? this.kernel.runner.guest() : this.native)?.trace() ?? [];
    return Array.from({ length: numbers.length / 2 }, (_, at) => ({
      function: numbers[2 * at] as number,
      offset: numbers[2 * at + 1] as number,
    }));
  }

  /** The addon's codes as failures of a task, with the words that V8's have. */
  private named(thrown: unknown): unknown {
    if (!(thrown instanceof Error) || thrown instanceof TaskFailure) return thrown;
    const { code, message } = thrown as Error & { readonly code?: string };
    switch (code) {
      case 'ERR_TRAP':
        return new TaskFailure('ERR_TRAP', trapName(message));
      case 'ERR_STACK_SPENT':
        return new TaskFailure('ERR_STACK_SPENT');
      case 'ERR_WALL_SPENT':
        return new TaskFailure('ERR_WALL_SPENT', this.terms.wallMsMax ?? 0);
      case 'ERR_HOST_MEMORY':
        return new TaskFailure('ERR_HOST_MEMORY', this.wanted());
      case 'ERR_ABORTED':
        // Whoever cancelled it does not wait for this outcome.
        return new TaskFailure('ERR_HOST_FAULT', describe('ERR_ABORTED'));
      default:
        return thrown;
    }
  }

  /** Which memory this host would not give. */
  private wanted(): string {
    if (this.isMade) return MORE_PAGES;
    return `${this.terms.memoryPagesMin} pages of 64 KiB could not be mapped`;
  }
}
