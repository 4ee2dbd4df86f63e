// A thread of our pool that calls one live instance for all tasks: what is left is dispatch alone.

import { node } from '../../host/platform/node.ts';
import { nodeV8 } from '../../host/platform/node-v8.ts';
import { createHeads, runBatch } from '../../host/pool/batch.ts';
import { type Batch, HEAD_MISSING } from '../../host/pool/message.ts';
import { createPace } from '../../host/pool/pace.ts';
import { type Reply, type Stay, serve } from '../../host/pool/stay.ts';
import { Exports } from '../../runtime/abi/exports.ts';
import { importsOf } from '../../runtime/abi/imports.ts';
import type { Guest, Ready } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call } from '../../runtime/sandbox/call.ts';
import { openRoom } from '../../runtime/sandbox/running.ts';

const engine = nodeV8();
const log = { lines: [], linesDropped: 0 };
const headOf = createHeads((head) => head);
const pace = createPace(node);
let guest: Guest | undefined;

export default (stay: Stay): void => serve(stay, answer);

function answer(batch: Batch): Reply {
  const head = headOf(batch);
  if (!head) return { report: HEAD_MISSING, transfer: [] };
  const facts = { ...head.facts, optional: ['cabi_post_run'] };
  const run = (call: Call): Outcome => {
    if (!guest) {
      const ready = head as Ready<WebAssembly.Module>;
      const room = openRoom({ platform: node }, ready, call);
      guest = engine.instantiate(ready, () => importsOf(room), 16);
      room.guest = guest;
      guest.call('_initialize');
    }
    const output = new Exports(guest, facts).whole(call.input, call.limits.outputBytesMax);
    const receipt = {
      version: 1,
      kernel: facts.digest,
      engine: { name: 'v8', version: engine.version },
      rewriter: 1,
      wallMs: 0,
      bytesIn: call.input.byteLength,
      bytesOut: output.byteLength,
      calls: {},
      deterministic: true,
      attempts: 1,
    } as const;
    return { state: 'done', output, log, receipt };
  };
  return runBatch(batch, head, { run, pace });
}
