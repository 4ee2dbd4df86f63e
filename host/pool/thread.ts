// A thread of the pool: runs the tasks of a batch one after the other, each in a fresh instance.
import type { Call } from '../../runtime/sandbox/call.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { placeOf } from '../platform/engines.ts';
import { now } from '../platform/node.ts';
import { threadCpuMs } from '../platform/thread-clock.ts';
import { doorsOf } from './asks-thread.ts';
import { createHeads, runBatch } from './batch.ts';
import { type Batch, HEAD_MISSING } from './message.ts';
import { createPace } from './pace.ts';
import { type Reply, type Stay, serve } from './stay.ts';
import { runSteps } from './steps-thread.ts';

const headOf = createHeads((head) => ({ ...head, compiled: placeOf(head.engine).engine.adopt(head.compiled) }));

const pace = createPace({ now, cpuMs: threadCpuMs });

export default (stay: Stay): void => serve(stay, answer, pace);

function answer(batch: Batch): Reply {
  const head = headOf(batch);
  if (!head) return { report: HEAD_MISSING, transfer: [] };
  const known = placeOf(head.engine);
  const place = head.outside ? { ...known, doors: doorsOf(batch.asks, { control: batch.control, pace }) } : known;
  const { steps: order, control } = batch;
  const run = (call: Call) => (order ? runSteps(place, head, { call, order, control }) : execute(place, head, call));
  try {
    return runBatch(batch, head, { run, pace });
  } finally {
    batch.asks?.port.close();
  }
}
