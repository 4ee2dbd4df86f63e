// Final outcomes as frames and back: those that follow each other and were run by the same host are one frame, a column each for what
// differs. An object a task would cost both sides more than all else that is done with a small outcome.
import type { WireDelivered } from './delivered.ts';
import { frameOf } from './frame.ts';
import type { Datum } from './site.ts';

/** A final outcome with its output's bytes, or their digest where it is a blob. */
export interface Received {
  readonly index: number;
  readonly state: WireDelivered['states'][number];
  readonly output: Datum;
  readonly code: string;
  readonly message: string;
  readonly log: {
    readonly lines: readonly (readonly [level: number, text: string])[];
    readonly linesDropped: number;
  } | null;
  readonly fuel: number | null;
  readonly wallMs: number;
  readonly memoryBytesPeak: number;
  readonly host: string;
  readonly runs: number;
  /** The probability with which it is right, as computed when it was accepted. */
  readonly confidence: number;
  readonly engine: WireDelivered['engine'];
  readonly rewriter: number;
  readonly tariff: number;
  readonly deterministic: boolean;
  /** Of a job with a merge: whose outcome it is. */
  readonly kernel?: string;
}

/** A frame has no more than this, but for one outcome alone. */
const FRAME_BYTES = 256 * 1024;
/** What is known of an outcome beside its texts and bytes, about. */
const ROW_BYTES = 96;

/** Bytes of an outcome in a frame, about. */
export function bytesOf({ output, message, log }: Received): number {
  const lines = log?.lines ?? [];
  return lines.reduce((sum, [, text]) => sum + 3 * text.length + 8, ROW_BYTES + output.length + 3 * message.length);
}

/** Outcomes in the order of their tasks, with none left out, as frames. */
export function outcomeFrames(rows: readonly Received[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let from = 0; from < rows.length; ) {
    const first = rows[from] as Received;
    let [to, bytes] = [from + 1, bytesOf(first)];
    for (let next = rows[to]; next && isOfSame(first, next); next = rows[++to]) {
      bytes += bytesOf(next);
      if (bytes > FRAME_BYTES) break;
    }
    frames.push(frameOfAll(rows.slice(from, to)));
    from = to;
  }
  return frames;
}

function isOfSame(one: Received, other: Received): boolean {
  return (
    one.host === other.host &&
    one.engine.name === other.engine.name &&
    one.engine.version === other.engine.version &&
    one.rewriter === other.rewriter &&
    one.tariff === other.tariff &&
    one.deterministic === other.deterministic &&
    one.kernel === other.kernel
  );
}

function frameOfAll(rows: readonly Received[]): Uint8Array {
  const { index, host, engine, rewriter, tariff, deterministic, kernel } = rows[0] as Received;
  const message = {
    index,
    host,
    engine,
    rewriter,
    tariff,
    deterministic,
    states: rows.map(({ state }) => state),
    outputs: rows.map(({ output }) => (typeof output === 'string' ? output : output.byteLength)),
    codes: rows.map(({ code }) => code),
    messages: rows.map(({ message }) => message),
    logs: rows.map(({ log }) => log as WireDelivered['logs'][number]),
    fuels: rows.map(({ fuel }) => fuel),
    wallMs: rows.map(({ wallMs }) => wallMs),
    memoryBytesPeak: rows.map(({ memoryBytesPeak }) => memoryBytesPeak),
    runs: rows.map(({ runs }) => runs),
    confidences: rows.map(({ confidence }) => confidence),
    ...(kernel !== undefined && { kernel }),
  } satisfies WireDelivered;
  return frameOf(message, ...rows.flatMap(({ output }) => (typeof output === 'string' ? [] : [output])));
}

const COLUMNS = [
  'outputs',
  'codes',
  'messages',
  'logs',
  'fuels',
  'wallMs',
  'memoryBytesPeak',
  'runs',
  'confidences',
] as const;

/** The outcomes of a frame, each output in memory of its own. Throws a RangeError for columns and bytes that do not fit each other. */
export function outcomesIn(message: WireDelivered, data: Uint8Array): Received[] {
  const { index, states, host, engine, rewriter, tariff, deterministic, kernel } = message;
  if (COLUMNS.some((column) => message[column].length !== states.length))
    throw new RangeError('the columns of outcomes are not of one length');
  let at = 0;
  const rows = states.map((state, row): Received => {
    const size = message.outputs[row] as number | string;
    const from = at;
    if (typeof size === 'number') at += size;
    return {
      index: index + row,
      state,
      output: typeof size === 'number' ? data.slice(from, at) : size,
      code: message.codes[row] as string,
      message: message.messages[row] as string,
      log: message.logs[row] as Received['log'],
      fuel: message.fuels[row] as number | null,
      wallMs: message.wallMs[row] as number,
      memoryBytesPeak: message.memoryBytesPeak[row] as number,
      host,
      runs: message.runs[row] as number,
      confidence: message.confidences[row] as number,
      engine,
      rewriter,
      tariff,
      deterministic,
      ...(kernel !== undefined && { kernel }),
    };
  });
  if (at !== data.byteLength) throw new RangeError('outcomes have other bytes than they say');
  return rows;
}
