// Echo hosts on WebSockets in a process of their own, for the benchmark of sites: arguments are the address, the slots of a pull, how many hosts,
// how many ms they take for a batch, and their tokens, which they share in turn.
import process from 'node:process';
import { WebSocket } from 'ws';
import type { Site } from '../../host/coordinator/contracts.ts';
import { encodeFrame, type FromHost, PROTOCOL, parseToHost } from '../../host/wire/site.ts';
import { createEcho } from './echo.ts';

/** What the parent is told when it asks: waits from pull to lease and from report to acknowledgement, in ms. */
export interface Waits {
  readonly lease: readonly number[];
  readonly acknowledged: readonly number[];
  /** Hosts that are connected, and the version of the policy that they have. */
  readonly connected: number;
  readonly policies: readonly number[];
}

const [, , url = '', slots = '64', count = '1', takesMs = '0', ...tokens] = process.argv;
const lease: number[] = [];
const acknowledged: number[] = [];
const policies: number[] = [];
let connected = 0;
/** With 0 slots hosts pull one task and keep it: they are there to be counted. With 1 they ask for one at a time, with more twice as much. */
const pull = Number(slots) || 1;

for (let index = 0; index < Number(count); index++) {
  const asked: number[] = [];
  const sent = new Map<number, number>();
  const host = createEcho({
    slots: pull,
    pulls: Number(slots) > 1 ? 2 : 1,
    hears: (message) => {
      if (message.type === 'welcome') connected++;
      if (message.type === 'policy') policies.push(message.version);
      if (message.type === 'ack') acknowledged.push(performance.now() - (sent.get(message.batch) ?? Number.NaN));
      return message.type !== 'lease' || Number(slots) > 0;
    },
  });
  const token = tokens[index % tokens.length] as string;
  host.join({ connect: (_, hear, close) => dial(token, { hear, close, asked, sent }) } satisfies Pick<Site, 'connect'>);
  if (Number(slots) === 0) setInterval(() => host.say({ type: 'beat', paused: null, load: null, progress: [] }), 1_000);
}

interface Dialled {
  readonly hear: Parameters<Site['connect']>[1];
  readonly close: (reason: string) => void;
  readonly asked: number[];
  readonly sent: Map<number, number>;
}

function dial(token: string, { hear, close, asked, sent }: Dialled): ReturnType<Site['connect']> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/connect`, PROTOCOL, {
    headers,
    perMessageDeflate: false,
  });
  socket.binaryType = 'nodebuffer';
  socket.on('message', (data) => {
    const message = parseToHost(data as Buffer);
    if (message.type !== 'lease') return hear(message);
    lease.push(performance.now() - (asked.shift() ?? Number.NaN));
    if (takesMs === '0') hear(message);
    else setTimeout(hear, Number(takesMs), message);
  });
  socket.on('close', (_, reason) => close(reason.toString()));
  socket.on('error', () => undefined);
  return {
    hear: (message: FromHost) => {
      if (message.type === 'pull' || (message.type === 'report' && message.slots > 0)) asked.push(performance.now());
      if (message.type === 'report') sent.set(message.batch, performance.now());
      if (socket.readyState === socket.OPEN) socket.send(encodeFrame(message));
    },
    closed: () => socket.close(),
  };
}

process.on('message', () => {
  const waits: Waits = {
    lease: lease.splice(0),
    acknowledged: acknowledged.splice(0),
    connected,
    policies: policies.splice(0),
  };
  process.send?.(waits);
});
process.on('disconnect', () => process.exit(0));
