// A thread of the pool: runs the tasks of a batch one after the other, each in a fresh instance.
import type { Ready } from '../../runtime/engine/engine.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { node, nodeV8 } from '../platform/node.ts';
import { createHeads, runBatch } from './batch.ts';
import { type Batch, HEAD_MISSING, type Report } from './message.ts';

const place = { engine: nodeV8(), platform: node };
const headOf = createHeads();

export default (batch: Batch): Report | typeof HEAD_MISSING => {
  const head = headOf(batch);
  if (!head) return HEAD_MISSING;
  return runBatch(batch, head, (call) => execute(place, head as Ready<WebAssembly.Module>, call));
};
