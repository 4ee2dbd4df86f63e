// What a pool and its cell say to each other: two tagged unions. The cell trusts the pool; the pool checks whatever comes from a cell.
import * as v from 'valibot';
import { ERRORS, type ErrorCode } from '../../runtime/base/errors.ts';
import type { Limits } from '../../runtime/base/limits.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { digest, integer } from '../../runtime/base/schema.ts';
import type { EngineName, Outcome } from '../../runtime/job/outcome.ts';
import type { Answer, Ask, Found, OutsideTerms } from '../../runtime/job/outside.ts';
import type { ErrorName } from '../../runtime/job/preview1.ts';
import type { StepProgress } from '../../runtime/job/steps.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import type { Schedule, Wish } from '../../runtime/sandbox/conduct.ts';
import { OutcomeSchema } from './outcome.ts';

/** What a cell is started with: the options of its pool, already checked. */
export interface CellOrder {
  readonly engine: EngineName;
  readonly threads: number;
  readonly metered: boolean;
  readonly cpuShare: number;
  readonly kernelsKept: number;
  readonly windowBytesMax: number;
  /** Whether it gives up executing programs before it says that it is ready. */
  readonly lock: boolean;
}

/** What the tasks of one job have in common. They were checked outside, against the policy among other things. */
export interface CellTerms {
  readonly terms: number;
  readonly kernel: string;
  /** The kernel as it was submitted, where the cell does not have it. */
  readonly bytes?: Uint8Array;
  readonly limits: Limits;
  readonly grants: readonly Grant[];
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  readonly args?: readonly string[];
  readonly seed: number;
  readonly digests: boolean;
  readonly deterministic: boolean;
  /** What the pool gives them when they ask. */
  readonly outside?: OutsideTerms;
}

/** Of a stepper's task that is spoken to: when images are due, and the one that it goes on from. */
export interface WireSteps {
  readonly schedule: Schedule;
  readonly from?: Digest;
}

export type ToCell =
  | ({ readonly type: 'terms' } & CellTerms)
  /** Neither terms nor a kernel that are not needed any more are kept. */
  | { readonly type: 'forget'; readonly terms?: number; readonly kernel?: string }
  /** Its input comes with it. */
  | {
      readonly type: 'task';
      readonly task: number;
      readonly terms: number;
      readonly index: number;
      readonly steps?: WireSteps;
    }
  /** An image that the next such task needs to go on, which comes with it. */
  | { readonly type: 'link'; readonly task: number; readonly digest: Digest }
  | { readonly type: 'wish'; readonly task: number; readonly wish: Wish }
  /** The images of its earliest notice are stored. */
  | { readonly type: 'stored'; readonly task: number }
  | { readonly type: 'cancel'; readonly task: number }
  /** Of the question of that number; bytes come with it. */
  | { readonly type: 'answer'; readonly number: number; readonly answer: WireAnswer }
  | { readonly type: 'share'; readonly cpuShare: number }
  | { readonly type: 'ping' };

export type FromCell =
  /** Its own word for the last lock; empty if it holds, otherwise why it does not. */
  | { readonly type: 'ready'; readonly unlocked: string }
  | { readonly type: 'outcome'; readonly task: number; readonly outcome: Outcome }
  /** Not run: its caller's doing, as `run` would have thrown it. */
  | { readonly type: 'refused'; readonly task: number; readonly code: ErrorCode; readonly message: string }
  /** An image of a task, which comes with it; the next notice tells of it. */
  | { readonly type: 'image'; readonly task: number; readonly digest: Digest }
  | ({ readonly type: 'notice'; readonly task: number; readonly answers: boolean } & StepProgress)
  /** What a task asks of the outside; bytes come with it. */
  | { readonly type: 'ask'; readonly task: number; readonly number: number; readonly ask: Ask }
  | { readonly type: 'pong' };

/** An answer without its bytes. */
type WireAnswer =
  | { readonly refused: string; readonly reason: ErrorName }
  | {
      readonly found?: Found;
      readonly size?: number;
      readonly names?: readonly string[];
      readonly status?: number;
      readonly hasBytes: boolean;
    };

/** An answer as it travels, and its bytes. */
export function answerToWire(answer: Answer): readonly [WireAnswer, Uint8Array?] {
  if ('refused' in answer) return [answer];
  const { bytes, ...rest } = answer;
  return bytes ? [{ ...rest, hasBytes: true }, bytes] : [{ ...rest, hasBytes: false }];
}

/** The answer again. A copy of the bytes, so that no part of a frame is kept for it. */
export function answerFromWire(answer: WireAnswer, bytes: Uint8Array): Answer {
  if ('refused' in answer) return answer;
  const { hasBytes, ...rest } = answer;
  return hasBytes ? { ...rest, bytes: new Uint8Array(bytes) } : rest;
}

const NOTHING = new Uint8Array();
const MIB = 2 ** 20;

const task = integer(0, Number.MAX_SAFE_INTEGER);
const text = (max: number) => v.pipe(v.string('a text'), v.maxLength(max, `at most ${max} characters`));

/** Numbers of 64 bits travel as texts. */
const OFFSET = v.pipe(v.string('a text'), v.regex(/^\d{1,20}$/, 'a number'));
const PATH = text(4_096);

const ChangeSchema = v.variant('act', [
  v.strictObject({ act: v.picklist(['create', 'folder', 'unlink', 'remove', 'sync']) }),
  v.strictObject({ act: v.literal('resize'), size: integer(0, Number.MAX_SAFE_INTEGER) }),
  v.strictObject({ act: v.literal('rename'), to: PATH }),
]);

const AskSchema = v.variant('kind', [
  v.strictObject({ kind: v.picklist(['size', 'names', 'look']), path: PATH }),
  v.strictObject({ kind: v.literal('change'), path: PATH, change: ChangeSchema }),
  v.strictObject({ kind: v.literal('read'), path: PATH, offset: OFFSET, count: integer(0, MIB) }),
  v.strictObject({ kind: v.literal('write'), path: PATH, offset: OFFSET }),
  v.strictObject({ kind: v.literal('request'), method: text(64), url: text(16_384) }),
]);

/** A question as it travels, and its bytes. */
export function askToWire(ask: Ask): readonly [unknown, Uint8Array?] {
  switch (ask.kind) {
    case 'read':
      return [{ ...ask, offset: String(ask.offset) }];
    case 'write':
      return [{ kind: ask.kind, path: ask.path, offset: String(ask.offset) }, ask.bytes];
    case 'request':
      return [{ kind: ask.kind, method: ask.method, url: ask.url }, ask.body];
    default:
      return [ask];
  }
}

function askFromWire(ask: v.InferOutput<typeof AskSchema>, bytes: Uint8Array): Ask {
  switch (ask.kind) {
    case 'read':
      return { ...ask, offset: BigInt(ask.offset) };
    case 'write':
      return { ...ask, offset: BigInt(ask.offset), bytes: new Uint8Array(bytes) };
    case 'request':
      return { ...ask, body: new Uint8Array(bytes) };
    default:
      return ask;
  }
}

const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

const FromCellSchema = v.variant('type', [
  v.strictObject({ type: v.literal('ready'), unlocked: text(4_096) }),
  v.strictObject({ type: v.literal('outcome'), task, outcome: OutcomeSchema }),
  v.strictObject({ type: v.literal('refused'), task, code: v.picklist(CODES), message: text(65_536) }),
  v.strictObject({ type: v.literal('image'), task, digest: digest() }),
  v.strictObject({
    ...{ type: v.literal('notice'), task, answers: v.boolean() },
    ...{ step: task, share: v.pipe(v.number(), v.minValue(0), v.maxValue(1)), fuel: task },
  }),
  v.strictObject({ type: v.literal('ask'), task, number: task, ask: AskSchema }),
  v.strictObject({ type: v.literal('pong') }),
]);

/** A message from a cell, which may have been taken over, with the output that comes with an outcome. Throws a RangeError for what is none. */
export function parseFromCell(value: unknown, bytes: Uint8Array = NOTHING): FromCell {
  const result = v.safeParse(FromCellSchema, value, { abortEarly: true });
  if (result.success) {
    const message = result.output;
    if (message.type === 'outcome' && message.outcome.state === 'done')
      return { ...message, outcome: { ...message.outcome, output: bytes } } as FromCell;
    if (message.type === 'ask') return { ...message, ask: askFromWire(message.ask, bytes) };
    return message as FromCell;
  }
  const [issue] = result.issues;
  throw new RangeError(`a message is not understood: ${v.getDotPath(issue) ?? 'type'}: ${issue.message}`);
}
