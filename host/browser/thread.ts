// One kernel worker as the I/O worker sees it: what it was told, what it has to do, and how it is stopped.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Notice, Wish } from '../../runtime/sandbox/conduct.ts';
import { CONTROL, newControl, setShare, withdraw } from '../pool/control.ts';
import type { Code, FromKernelWorker, TaskMessage, ToKernelWorker } from './message.ts';
import type { Reach } from './reach.ts';

/** A worker, or what leads to one in another frame. */
export interface KernelPort {
  post(message: ToKernelWorker, transfer?: Transferable[]): void;
  hear(listener: (message: FromKernelWorker) => void): void;
  terminate(): void;
}

/** A task on its way. */
export interface Flight {
  readonly kernel: Kernel;
  readonly ready: Ready<Code>;
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  readonly call: TaskMessage['call'];
  readonly steps?: TaskMessage['steps'];
  readonly onNotice?: (notice: Notice) => Promise<void>;
  /** `undefined`: it was ended before its end. */
  readonly settle: (outcome: Outcome | undefined) => void;
}

/** What a worker keeps of blobs. */
const BLOBS_MAX = 64;
const KERNELS_MAX = 32;
/** Words for tasks that are posted at a time. */
const PLACES = 32;

export class KernelThread {
  readonly #port: KernelPort;
  /** What it can run. */
  readonly reach: Reach;
  readonly #control: Int32Array | undefined;
  readonly #kernels = new Map<object, number>();
  readonly #blobs = new Map<Uint8Array, number>();
  readonly #flights = new Map<number, { readonly flight: Flight; readonly place: number }>();
  readonly #places = Array.from({ length: PLACES }, (_, place) => place);
  #next = 0;
  /** Resolves when it has shown that it has no network. */
  readonly ready: Promise<void>;
  /** Mean ms of a task, of late. */
  #taskMs = 50;
  #idleSince: number;
  readonly #now: () => number;
  readonly #onFree: () => void;
  #isReady = false;

  constructor(port: KernelPort, { reach, isolated, engineVersion, wayOut, share, now, onFree }: ThreadOptions) {
    this.#port = port;
    this.reach = reach;
    this.#now = now;
    this.#onFree = onFree;
    this.#idleSince = now();
    this.#control = isolated ? newControl() : undefined;
    this.ready = new Promise((resolve, reject) => {
      port.hear((message) => {
        if (message.type === 'ready') resolve();
        else if (message.type === 'unsafe') reject(unsafe(message.open));
        else this.#hear(message);
      });
    });
    this.ready.then(
      () => {
        this.#isReady = true;
        onFree();
      },
      () => undefined,
    );
    const shared = this.#control && { control: this.#control.buffer as SharedArrayBuffer };
    port.post({ type: 'begin', engineVersion, wayOut, ...shared });
    this.setShare(share);
  }

  get flights(): readonly Flight[] {
    return [...this.#flights.values()].map(({ flight }) => flight);
  }

  /** A kernel whose task has run for so many ms here, and is no stepper's. */
  overdue(ms: number): Kernel | undefined {
    const [first] = this.#flights.values();
    const isLong = first && !first.flight.steps && this.#now() - this.#idleSince > ms;
    return isLong ? first.flight.kernel : undefined;
  }

  /** Whether it can be given another task: short ones wait behind each other, so that it need not wait for messages. */
  get hasRoom(): boolean {
    if (!this.#isReady) return false;
    const depth = Math.max(1, Math.min(PLACES, Math.floor(20 / this.#taskMs)));
    const hasSteps = this.flights.some(({ steps }) => steps);
    return hasSteps ? false : this.#flights.size < depth && this.#places.length > 0;
  }

  setShare(share: number): void {
    if (this.#control) setShare(this.#control, share);
    else this.#port.post({ type: 'share', share });
  }

  /** Sends a task; its number. */
  begin(flight: Flight): number {
    const task = this.#next++;
    const place = this.#places.pop() as number;
    if (this.#flights.size === 0) this.#idleSince = this.#now();
    this.#flights.set(task, { flight, place });
    if (this.#control) Atomics.store(this.#control, CONTROL.unwanted + place, 0);
    const { steps, call } = flight;
    const kernel = this.#numberOf(flight.ready);
    const blobs = Object.fromEntries(Object.entries(flight.blobs).map(([name, bytes]) => [name, this.#blobOf(bytes)]));
    this.#port.post({ type: 'task', task, place, kernel, call, blobs, ...(steps && { steps }) });
    return task;
  }

  /** It is not wanted any more. It is heard at once where memory is shared, and otherwise when the task or the step has ended. */
  cancel(flight: Flight): void {
    for (const { flight: each, place } of this.#flights.values()) {
      if (each !== flight) continue;
      if (this.#control) withdraw(this.#control, place);
      else this.#port.post({ type: 'cancel', place });
    }
  }

  wish(flight: Flight, wish: Wish): void {
    for (const [task, { flight: each }] of this.#flights)
      if (each === flight) this.#port.post({ type: 'wish', task, wish });
  }

  /** Ends the worker. The tasks that it had are the caller's to settle. */
  terminate(): void {
    this.#port.terminate();
  }

  #hear(message: Exclude<FromKernelWorker, { type: 'ready' | 'unsafe' }>): void {
    const found = this.#flights.get(message.task);
    if (!found) return;
    const { flight, place } = found;
    if (message.type === 'notice') {
      const settled = () => this.#port.post({ type: 'settled', task: message.task });
      const told = flight.onNotice?.(message.notice);
      if (message.notice.images.length > 0) told?.then(settled, () => undefined);
      return;
    }
    this.#flights.delete(message.task);
    this.#places.push(place);
    const now = this.#now();
    this.#taskMs = 0.8 * this.#taskMs + 0.2 * (now - this.#idleSince);
    this.#idleSince = now;
    flight.settle(message.outcome);
    this.#onFree();
  }

  #numberOf(ready: Ready<Code>): number {
    return this.#told(this.#kernels, ready, KERNELS_MAX, {
      send: (kernel) => ({ type: 'kernel', kernel, ready }),
      forget: (kernel) => ({ type: 'forget', kernel }),
    });
  }

  #blobOf(bytes: Uint8Array): number {
    return this.#told(this.#blobs, bytes, BLOBS_MAX, {
      send: (blob) => ({ type: 'blob', blob, bytes }),
      forget: (blob) => ({ type: 'forget', blob }),
    });
  }

  /** The number by which the worker knows a thing; the least recently used goes where there are too many. */
  #told<T extends object>(
    known: Map<T, number>,
    thing: T,
    max: number,
    {
      send,
      forget,
    }: { readonly send: (number: number) => ToKernelWorker; readonly forget: (number: number) => ToKernelWorker },
  ): number {
    let number = known.get(thing);
    known.delete(thing);
    if (number === undefined) {
      number = this.#next++;
      this.#port.post(send(number));
    }
    known.set(thing, number);
    const [oldest] = known;
    if (known.size > max && oldest) {
      known.delete(oldest[0]);
      this.#port.post(forget(oldest[1]));
    }
    return number;
  }
}

export interface ThreadOptions {
  readonly reach: Reach;
  readonly isolated: boolean;
  readonly engineVersion: string;
  readonly wayOut: string;
  readonly share: number;
  readonly now: () => number;
  readonly onFree: () => void;
}

function unsafe(open: readonly string[]): LodgerError {
  return new LodgerError('ERR_ISOLATION_MISSING', [
    `a kernel worker could reach the network by ${open.join(', ')}: its script has to be served with "Content-Security-Policy: default-src 'none'"`,
  ]);
}
