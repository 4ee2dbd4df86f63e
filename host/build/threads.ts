// Bundles the module of a pool's threads: one file instead of a hundred takes a third of the time to load, and leaves a small heap, which
// V8 looks through whenever the guests of the thread have used some megabytes of memory. Run by `npm run build`.
import { packageRoot } from '../../kernels/transform/library.ts';
import { bundle } from './bundle.ts';

// A thread that loads no ES module starts in less CPU time still, and Node 20 aborts the whole process when a thread is ended while it
// requires one, which happens to a pool that is closed soon after its start.
await bundle(packageRoot(), {
  entry: 'host/pool/thread.ts',
  folder: 'dist/host/pool',
  packages: 'all',
  output: { format: 'cjs', entryFileNames: 'thread-bundle.cjs', codeSplitting: false },
});
