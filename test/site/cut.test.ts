// A real host behind a connection that is cut again and again in the middle of long tasks: it goes on with them, and nothing runs twice.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connect as connectTo } from '../../host/client/connect.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { startAgent } from '../agent/started.ts';
import { serveSite } from '../coordinator/served.ts';
import { markOf } from '../pool/guest.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';
import { OPERATOR, until } from './opened.ts';

/** Counts for about a second, longer than it takes a host to come again, and gives its input back. */
const SLOW = kernelOf({
  run: {
    locals: 'ii',
    code: `loop local.get 3 i32.const 1 i32.add local.tee 3 i32.const 1000000000 i32.lt_u br_if 0 end
      ${answer(0, 'local.get 0', 'local.get 1')}`,
  },
  memory: [1, 64],
});
const TASKS = 8;
const JOB = 'cut';

interface Line {
  readonly url: string;
  /** Ends all connections at once, without a word. */
  cut(): void;
}

/** A way to a site that can be cut. */
async function lineTo(url: string): Promise<Line> {
  const { port, hostname } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(Number(port), hostname);
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        from.destroy();
        to.destroy();
      });
    }
    from.pipe(to);
    to.pipe(from);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  onTestFinished(() => {
    server.close();
    cut();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut };
}

test('a host whose connection is cut in the middle of its tasks goes on with them: none is leased twice, none is lost, none is blamed', async () => {
  await using served = await serveSite({ leaseMs: 20_000, log: 'silent' });
  const { site } = served.site;
  const line = await lineTo(served.site.url);
  const { agent, events } = await startAgent({ site: line.url, token: served.token });
  const runner = await connectTo(served.site.url, served.token, { terms: { retries: 0 } });
  const kernel = await admit(SLOW, { platform: node });
  const inputs = Array.from({ length: TASKS }, (_, mark) => Uint8Array.from([0, mark, 0, 0, 0]));
  const marks: number[] = [];
  let isOver = false;
  const cutting = (async () => {
    for (let done = 0; done < TASKS - 2; done += 2) {
      const isAtIt = () => agent.status().connected && agent.status().tasksHeld > 0 && agent.status().tasksDone >= done;
      await until(() => isOver || isAtIt());
      if (isOver) return;
      line.cut();
      await until(() => !agent.status().connected);
    }
  })();
  for await (const outcome of runner.mapAs(JOB, { kernel, inputs }))
    marks.push(outcome.state === 'done' ? markOf(outcome.output) : -1);
  isOver = true;
  await cutting;
  await runner.close();
  expect(marks).toEqual(Array.from({ length: TASKS }, (_, mark) => mark));
  const leased = events.flatMap((each) => (each.event === 'lease' ? [each.tasks] : []));
  expect(leased.reduce((sum, tasks) => sum + tasks, 0)).toBe(TASKS);
  expect(events.filter(({ event }) => event === 'connected').length).toBeGreaterThan(3);
  expect(events.filter(({ event }) => event === 'released' || event === 'cancelled')).toEqual([]);
  expect(site.job(OPERATOR, JOB)).toMatchObject({ runs: TASKS, counts: { done: TASKS, failed: 0 } });
});
