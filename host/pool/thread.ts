// A thread of the pool: runs the tasks of a batch one after the other, each in a fresh instance.

import type { Ready } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { type Call, execute } from '../../runtime/sandbox/execute.ts';
import { node, nodeV8 } from '../platform/node.ts';
import { runBatch } from './batch.ts';
import type { Batch, Report } from './message.ts';

const place = { engine: nodeV8(), platform: node };

export default (batch: Batch): Report =>
  runBatch(batch, (call: Call): Outcome => execute(place, batch as Ready<WebAssembly.Module>, call));
