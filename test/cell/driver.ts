// Runs every probe twice, as whoever it is started as: in a cell and outside one, against things that are really there. Prints one JSON
// document: what each probe got.
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { launch, missingWalls } from '../../host/cell/launch.ts';
import type { Wall } from '../../host/cell/walls.ts';
import { ROOT } from '../../host/platform/native.ts';
import type { Orders } from './prober.ts';
import type { Native, Targets } from './probes.ts';

const PROBER = fileURLToPath(new URL('./prober.js', import.meta.url));
const DEADLY = ['ptrace', 'process_vm_readv', 'bpf'];
const F_SETFD = 2;

const addon = process.argv[2] ?? '';
const without = (process.argv[3] ?? '').split(',').filter(Boolean) as Wall[];
const home = mkdtempSync(join(tmpdir(), 'lodger-home-'));
const listen = async (where: object) => {
  const server = createServer((socket) => socket.on('error', () => undefined).end()).listen(where);
  await once(server, 'listening');
  return server;
};
mkdirSync(join(home, '.ssh'));
mkdirSync(join(home, 'site'));
for (const path of ['.ssh/id_ed25519', 'notes.txt', 'site/data.mdb']) writeFileSync(join(home, path), 'secret');
const victim = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
const tcp = await listen({ host: '127.0.0.1', port: 0 });
const socket = join(home, 'socket');
await listen({ path: socket });
const abstract = `lodger-probe-${process.pid}`;
await listen({ path: `\0${abstract}` });
const udp = createSocket('udp4');
await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
// An open file that is handed down to whatever is started from here.
(createRequire(import.meta.url)(addon) as Native).call('fcntl', openSync('/etc/hosts', 'r'), F_SETFD, 0);

const targets: Targets = {
  parent: process.pid,
  victim: victim.pid ?? 0,
  tcp: (tcp.address() as AddressInfo).port,
  udp: udp.address().port,
  socket,
  abstract,
  home,
  root: ROOT,
};

const words = (what: string, lock: boolean) => {
  const orders: Orders = { targets, addon, what, lock };
  return [PROBER, JSON.stringify(orders)];
};

/** What a probing process answers, or how it ended. */
async function answerOf(child: ChildProcess, frames: Readable): Promise<Record<string, string> | string> {
  let text = '';
  frames.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const [code, signal] = await once(child, 'close');
  return text === '' ? `ended: ${signal ?? code}` : JSON.parse(text);
}

async function control(what: string) {
  const child = spawn(process.execPath, words(what, false), { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  return answerOf(child, child.stdio[3] as Readable);
}

async function jailed(what: string) {
  const order = { engine: 'v8', threads: 1, metered: true, cpuShare: 1, kernelsKept: 1, windowBytesMax: 1 } as const;
  const inhabitant = { words: words(what, true), read: [dirname(PROBER), addon], without };
  const launched = await launch({ order, memoryBytesMax: 2 ** 30, inhabitant });
  const answer = await answerOf(launched.child, launched.frames);
  return { walls: launched.held, answer, said: launched.lastWords() };
}

export interface Report {
  readonly walls: readonly Wall[];
  /** Probe -> `open`, or what refused it; or how the process ended instead of answering. */
  readonly answer: Record<string, string> | string;
  readonly outside: Record<string, string> | string;
  /** Deadly probe -> outside, in a cell. */
  readonly ends: Readonly<Record<string, readonly [outside: Report['answer'], inside: Report['answer']]>>;
  readonly said: string;
  readonly missing: readonly (readonly [Wall, string])[];
}

const what = process.getuid?.() === 0 ? 'root' : 'user';
const inside = await jailed(what);
const outside = await control(what);
const ends: Record<string, readonly [Report['answer'], Report['answer']]> = {};
for (const name of DEADLY) ends[name] = [await control(name), (await jailed(name)).answer];
const report: Report = { ...inside, outside, ends, missing: [...missingWalls()] };
process.stdout.write(JSON.stringify(report));
victim.kill('SIGKILL');
rmSync(home, { recursive: true });
process.exit(0);
