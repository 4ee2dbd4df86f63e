// A host whose folder lies on a disk that is full, in a process of its own: the folder is a small file system that only it sees. Its site has
// room. Says in lines of JSON what was told, and ends with what became of the job.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { createAgent } from '../../host/agent/agent.ts';
import type { AgentEvent } from '../../host/agent/contracts.ts';
import { connect } from '../../host/client/connect.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { guest } from '../pool/guest.ts';
import { createBallast } from './ballast.ts';

const [, , small = '', large = ''] = process.argv;
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
const codeOf = (error: unknown) => (error instanceof LodgerError ? `${error.code}: ${error.message}` : String(error));

const leave = createBallast(small);
const moment = () => new Promise((resolve) => setTimeout(resolve, 20));
const until = async (holds: () => boolean) => {
  while (!holds()) await moment();
};

const {
  site,
  url,
  operatorToken: token = '',
  close,
} = await createCoordinator({ data: join(large, 'site'), log: 'silent' });
const events: AgentEvent[] = [];
const start = () =>
  createAgent({
    ...{ site: url, token, data: join(small, 'host'), isolation: 'thread', tell: (event) => events.push(event) },
    policy: { version: 1, threads: 1, memoryFreeBytesMin: 0, diskFreeBytesMin: '1MiB', diskBytesMax: '24MiB' },
  });

// Without a byte it does not even begin.
leave(0);
await start().then(
  (agent) => agent.close(),
  (error: unknown) => say({ name: 'start', refused: codeOf(error) }),
);

// In the middle of a blob there is no room for the rest.
leave(3 * 2 ** 20);
const agent = await start();
const runner = await connect(url, token, { terms: { retries: 0 } });
const kernel = await admit((await guest()).bytes, { platform: node });
const inputs = Array.from({ length: 4 }, () => Uint8Array.from([0, ...randomBytes(4 * 2 ** 20)]));
const outcomes = runner.mapAs('full', { kernel, inputs });
const first = outcomes.next();
await until(() => agent.status().paused === 'disk');
await until(() => site.hosts({ account: 'operator', role: 'operator' })[0]?.paused === 'disk');
say({ name: 'full', why: agent.status().why, told: site.hosts({ account: 'operator', role: 'operator' })[0]?.why });
say({
  name: 'released',
  reasons: [...new Set(events.flatMap((each) => (each.event === 'released' ? [each.reason] : [])))],
});
leave(40 * 2 ** 20);
let right = 0;
for (let next = await first; !next.done; next = await outcomes.next()) {
  const { value } = next;
  if (value.state === 'done' && Buffer.from(inputs[right] as Uint8Array).equals(value.output)) right++;
  else say({ name: 'wrong', state: value.state });
}
const { counts, runs } = site.job({ account: 'operator', role: 'operator' }, 'full');
say({ name: 'end', right, counts: { done: counts.done, failed: counts.failed }, runs });
await runner.close();
await agent.close();
await close();
