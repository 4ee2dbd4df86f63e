// What a tab's I/O worker and its kernel workers say to each other: two tagged unions. The kernel worker has no network, so this is all it hears.

import type { Ready } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call } from '../../runtime/sandbox/call.ts';
import type { Notice, Schedule, Wish } from '../../runtime/sandbox/conduct.ts';

/** Compiled code; or bytes that it is compiled from, for a worker in a frame of another origin, which nothing compiled can reach. */
export type Code = WebAssembly.Module | Uint8Array<ArrayBuffer>;

export type ToKernelWorker =
  /** To one in a frame: all else comes through this port. */
  | { readonly type: 'port'; readonly port: MessagePort }
  /**
   * The first message. `control`: the words of `host/pool/control.ts`; absent where nothing can be shared. `wayOut`: the address of a script,
   * which must be out of reach.
   */
  | {
      readonly type: 'begin';
      readonly control?: SharedArrayBuffer;
      readonly engineVersion: string;
      readonly wayOut: string;
    }
  | { readonly type: 'kernel'; readonly kernel: number; readonly ready: Ready<Code> }
  | { readonly type: 'blob'; readonly blob: number; readonly bytes: Uint8Array }
  | { readonly type: 'forget'; readonly kernel?: number; readonly blob?: number }
  | TaskMessage
  /** Of a stepper's task, heard between two steps. */
  | { readonly type: 'wish'; readonly task: number; readonly wish: Wish }
  /** An image that was told is stored. */
  | { readonly type: 'settled'; readonly task: number }
  /** Where nothing is shared: heard between tasks and between steps. */
  | { readonly type: 'cancel'; readonly place: number }
  | { readonly type: 'share'; readonly share: number };

export interface TaskMessage {
  readonly type: 'task';
  readonly task: number;
  /** Its word among those that say which tasks are not wanted any more. */
  readonly place: number;
  readonly kernel: number;
  readonly call: Omit<Call, 'blobs' | 'wishes'>;
  /** Numbers of blobs that were sent, by name. */
  readonly blobs: Readonly<Record<string, number>>;
  readonly steps?: {
    readonly schedule: Schedule;
    readonly from?: { readonly digest: string; readonly links: ReadonlyMap<string, Uint8Array> };
  };
}

export type FromKernelWorker =
  /** Every way out was tried, and none was open. */
  | { readonly type: 'ready'; readonly tried: readonly string[] }
  /** It could reach something: it will run nothing. */
  | { readonly type: 'unsafe'; readonly open: readonly string[] }
  /** `undefined` of a task that was cancelled before it began, or paused. */
  | { readonly type: 'outcome'; readonly task: number; readonly outcome: Outcome | undefined }
  | { readonly type: 'notice'; readonly task: number; readonly notice: Notice };
