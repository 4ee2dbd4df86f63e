// Simulated tabs in a process of its own: arguments are the site, how many, ms that each has a task, and the number of the process. Each visits as a
// page does, holds a WebSocket by a ticket, and answers a task at a time.
import { request } from 'node:http';
import process from 'node:process';
import { WebSocket } from 'ws';
import type { Site } from '../../host/coordinator/contracts.ts';
import { encodeFrame, type FromHost, type Lease, PROTOCOL, parseToHost } from '../../host/wire/site.ts';
import { createEcho } from '../site/echo.ts';

/** What the parent is told when it asks. */
export interface Crowd {
  readonly welcomed: number;
  /** Connections that the site has ended. */
  readonly ended: number;
  /** Tasks that were leased, those that came again counted again. */
  readonly leases: number;
  readonly tasks: readonly number[];
}

const [, , url = '', count = '0', taskMs = '0', place = '0'] = process.argv;
/** Visits of one address are counted: each of these has the visits of some. */
const VISITS_AN_ADDRESS = 200;

let [welcomed, ended, leases] = [0, 0, 0];
const tasks = new Set<number>();

for (let index = 0; index < Number(count); index++) await open(index);

async function open(index: number): Promise<void> {
  const address = `127.0.${Number(place) + 1}.${1 + Math.floor(index / VISITS_AN_ADDRESS)}`;
  const { token } = (await post('/api/1/visit', address)) as { token: string };
  const { ticket } = (await post('/api/1/tickets', address, token)) as { ticket: string };
  /** Of the one job that there is; they come with its first lease. */
  let terms: Lease['terms'];
  let beating: ReturnType<typeof setInterval> | undefined;
  const host = createEcho({
    ...{ slots: 1, pulls: 1, kind: 'tab' },
    hears: (message) => {
      if (message.type === 'welcome') {
        welcomed++;
        beating = setInterval(() => host.say({ type: 'beat', paused: null, load: null, progress: [] }), message.beatMs);
      }
      if (message.type !== 'lease') return true;
      take(message);
      return false;
    },
  });
  const take = (lease: Lease) => {
    leases += lease.tasks.length;
    for (const task of lease.tasks) tasks.add(task);
    terms ??= lease.terms;
    const whole = { ...lease, ...(terms && { terms }) };
    setTimeout(() => host.say(host.report(whole, 1)), Number(taskMs));
  };
  host.join({
    connect: (_, hear, close) => {
      const path = `${url.replace(/^http/, 'ws')}/connect?ticket=${encodeURIComponent(ticket)}`;
      const socket = new WebSocket(path, PROTOCOL, { perMessageDeflate: false, localAddress: address });
      socket.binaryType = 'nodebuffer';
      socket.on('message', (data) => hear(parseToHost(data as Buffer)));
      socket.on('error', () => undefined);
      socket.on('close', (_code, reason) => {
        ended++;
        clearInterval(beating);
        close(reason.toString());
      });
      return {
        hear: (message: FromHost) => {
          if (socket.readyState === socket.OPEN) socket.send(encodeFrame(message));
        },
        closed: () => socket.close(),
      };
    },
  } satisfies Pick<Site, 'connect'>);
}

function post(path: string, localAddress: string, token?: string): Promise<unknown> {
  const { hostname, port } = new URL(url);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method: 'POST', headers, localAddress }, async (answer) => {
      let text = '';
      for await (const part of answer.setEncoding('utf8')) text += part;
      if (answer.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`${path}: ${answer.statusCode} ${text}`));
    });
    asked.on('error', reject);
    asked.end();
  });
}

process.on('message', () => {
  const told: Crowd = { welcomed, ended, leases, tasks: [...tasks] };
  process.send?.(told);
});
process.on('disconnect', () => process.exit(0));
