// A thread of the pool: runs the tasks of a batch one after the other, each in a fresh instance.
import { execute } from '../../runtime/sandbox/execute.ts';
import { placeOf } from '../platform/engines.ts';
import { createHeads, runBatch } from './batch.ts';
import { type Batch, HEAD_MISSING, type Report } from './message.ts';

const headOf = createHeads((head) => ({ ...head, compiled: placeOf(head.engine).engine.adopt(head.compiled) }));

export default (batch: Batch): Report | typeof HEAD_MISSING => {
  const head = headOf(batch);
  if (!head) return HEAD_MISSING;
  const place = placeOf(head.engine);
  return runBatch(batch, head, (call) => execute(place, head, call));
};
