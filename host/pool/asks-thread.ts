// A thread's side of what its tasks ask of the outside: it asks through a port, and sleeps until there is an answer or its time is over.
import { receiveMessageOnPort } from 'node:worker_threads';
import { type Answer, type Ask, type FilesSide, type HttpSide, Refusal } from '../../runtime/job/outside.ts';
import type { Doors, Waiting } from '../../runtime/sandbox/beyond.ts';
import { beyond } from '../../runtime/sandbox/trees.ts';
import { nodeFolders } from '../grants/folders.ts';
import type { AsksOrder, Question, Reply } from './asks.ts';
import { CONTROL, newsOf, sleep } from './control.ts';
import type { Pace } from './pace.ts';

/** Bytes of a file that are asked for at a time. */
const PIECE_BYTES = 512 * 1024;

/** Questions are numbered through all batches of the thread: the answer to one that was given up is not taken for another's. */
let asked = 0;

/** What is given, once it is not refused. */
type Given = Exclude<Answer, { refused: string }>;
type AskFor = (ask: Ask) => Given;

/** A batch on this thread. */
interface Desk {
  readonly control: Int32Array;
  readonly pace: Pace;
}

/** For the tasks of a batch: files are here unless the order says otherwise, requests are asked for. */
export function doorsOf(order: AsksOrder | undefined, desk: Desk): Doors {
  const files = (waiting: Waiting) => askedFiles(asker(order as AsksOrder, desk, waiting));
  return {
    files: (folders, waiting) => (order?.files ? files(waiting) : nodeFolders.open(folders, waiting.look)),
    sleep: (ms, { look }) => {
      // As in `asker`: what wants this task to end comes before the sleep, or ends it.
      const news = newsOf(desk.control);
      look();
      rest(desk, news, ms);
    },
    ...(order && { http: (waiting) => askedHttp(asker(order, desk, waiting)) }),
  };
}

function asker({ port }: AsksOrder, desk: Desk, { look, msLeft }: Waiting): AskFor {
  const { control } = desk;
  return (ask) => {
    const number = ++asked;
    const place = Atomics.load(control, CONTROL.current);
    port.postMessage({ number, place, ask } satisfies Question);
    for (;;) {
      // The news are read before the port, so that what comes in between ends the sleep at once.
      const news = newsOf(control);
      const reply = receiveMessageOnPort(port)?.message as Reply | undefined;
      if (reply?.number === number) {
        desk.pace.begin(control);
        return givenBy(reply.answer);
      }
      look();
      if (!reply) rest(desk, news, Math.max(1, msLeft()));
    }
  };
}

/** To wait is to rest, whatever the clocks of this thread say. */
function rest({ control, pace }: Desk, known: number, ms: number): void {
  pace.idle();
  sleep(control, known, ms);
  pace.busy();
}

function givenBy(answer: Answer): Given {
  if ('refused' in answer) throw new Refusal(answer.refused, answer.reason);
  return answer;
}

function askedHttp(ask: AskFor): HttpSide {
  return {
    request: (method, url, body) => {
      const { status = 0, bytes = new Uint8Array() } = ask({ kind: 'request', method, url, body });
      return { status, body: bytes };
    },
  };
}

/** The record of these is kept by who answers. */
function askedFiles(ask: AskFor): FilesSide {
  const size = (path: string) => ask({ kind: 'size', path }).size ?? 0;
  return {
    size,
    read: (path, { offset, count }, room) => {
      const whole = size(path);
      if (offset > BigInt(whole)) throw beyond(path, offset, whole);
      const into = room(Math.min(whole - Number(offset), count));
      for (let done = 0; done < into.byteLength; ) {
        const piece = Math.min(into.byteLength - done, PIECE_BYTES);
        const { bytes } = ask({ kind: 'read', path, offset: offset + BigInt(done), count: piece });
        if (!bytes || bytes.byteLength === 0 || bytes.byteLength > piece)
          throw new Refusal(`"${path}" became shorter while it was read`, 'IO');
        into.set(bytes, done);
        done += bytes.byteLength;
      }
    },
    // Of the guest's memory nothing but these bytes is sent.
    write: (path, offset, bytes) => void ask({ kind: 'write', path, offset, bytes: bytes.slice() }),
    names: (path) => ask({ kind: 'names', path }).names ?? [],
    look: (path) => ask({ kind: 'look', path }).found ?? { kind: 'file', size: 0 },
    change: (path, change) => void ask({ kind: 'change', path, change }),
    report: () => ({ opened: 0, bytesRead: 0, bytesWritten: 0 }),
    close: () => undefined,
  };
}
