// Speaks with an agent that runs in another process of the same user: one line of JSON each way over a local socket.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import * as v from 'valibot';
import { ERRORS, type ErrorCode, LodgerError } from '../../runtime/base/errors.ts';
import { fileError } from '../jobs/files.ts';
import type { Agent, AgentStatus } from './contracts.ts';

/** What may be asked of an agent. */
export const ACTIONS = ['status', 'pause', 'resume', 'finish'] as const;
export type Action = (typeof ACTIONS)[number];

const OrderSchema = v.strictObject({ action: v.picklist(ACTIONS), hours: v.exactOptional(v.number()) });
export type Order = v.InferOutput<typeof OrderSchema>;

type Answer = { readonly status: AgentStatus } | { readonly code: string; readonly message: string };

const LINE_BYTES_MAX = 64 * 1024;
const ANSWER_MS = 10_000;

export interface Control {
  close(): Promise<void>;
}

/** Where the agent of a data folder listens: in a folder that only its user may enter. */
export function socketOf(data: string): string {
  const name = `agent-${createHash('sha256').update(resolve(data)).digest('hex').slice(0, 16)}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\lodger-${name}`;
  return join(runtimeFolder(), `${name}.sock`);
}

/** Answers whoever of this user asks. `onFinish` is called when `finish` was asked for. Throws `ERR_FILE` where it cannot listen. */
export async function serveControl(agent: Agent, data: string, onFinish: () => void): Promise<Control> {
  const path = socketOf(data);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    readLine(socket, (line) => socket.end(`${JSON.stringify(answer(line))}\n`));
  });
  const answer = (line: string): Answer => {
    try {
      const { action, hours } = v.parse(OrderSchema, JSON.parse(line));
      if (action === 'pause') agent.pause(hours);
      if (action === 'resume') agent.resume();
      if (action === 'finish') onFinish();
      return { status: agent.status() };
    } catch (error) {
      if (error instanceof LodgerError) return { code: error.code, message: error.message };
      return { code: 'ERR_OPTION_INVALID', message: 'what was asked of the agent is not understood' };
    }
  };
  try {
    // The folder of the agent is locked: a socket that is there was left by one that was killed.
    if (process.platform !== 'win32') rmSync(path, { force: true });
    await new Promise<void>((done, fail) => server.on('error', fail).listen(path, done));
    if (process.platform !== 'win32') chmodSync(path, 0o600);
  } catch (error) {
    throw fileError('write', path, error);
  }
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** Asks the agent of a data folder. Throws `ERR_NOT_FOUND` where none runs, and what the agent refuses with. */
export async function askAgent(data: string, order: Order): Promise<AgentStatus> {
  const line = await new Promise<string>((done, fail) => {
    const socket = connect(socketOf(data));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('it does not answer')));
    socket.on('error', fail);
    socket.on('connect', () => socket.write(`${JSON.stringify(order)}\n`));
    readLine(socket, done);
    socket.on('close', () => fail(new Error('it does not answer')));
  }).catch((cause: unknown) => {
    throw new LodgerError('ERR_NOT_FOUND', ['running agent of', data], { cause });
  });
  const answer = JSON.parse(line) as Answer;
  if ('status' in answer) return answer.status;
  throw told(answer);
}

/** A refusal as the agent said it. */
function told({ code, message }: { readonly code: string; readonly message: string }): LodgerError {
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'ERR_OPTION_INVALID';
  return Object.assign(new LodgerError(known), { message });
}

function readLine(socket: Socket, take: (line: string) => void): void {
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    const end = text.indexOf('\n');
    if (end >= 0) {
      socket.removeAllListeners('data');
      take(text.slice(0, end));
    } else if (text.length > LINE_BYTES_MAX) socket.destroy();
  });
}

/** Throws `ERR_FILE` for a folder of somebody else's: whoever made it could listen to what is said. */
function runtimeFolder(): string {
  const { XDG_RUNTIME_DIR: given } = process.env;
  const { uid } = userInfo();
  const folder = given ? join(given, 'lodger') : join(tmpdir(), `lodger-${uid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = statSync(folder);
    if (found.uid !== uid || (found.mode & 0o077) !== 0) throw new Error('others may enter it');
    return folder;
  } catch (error) {
    throw fileError('write', folder, error);
  }
}
