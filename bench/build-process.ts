// A process that builds one kernel and ends: `node build-process.js SOURCE OUT RUNTIME`. The compiler leaves 60 MB of heap behind, which
// would be collected again and again beside what is measured.
import { type BuildOptions, buildKernel } from '../host/build/build.ts';

const [source = '', out = '', runtime] = process.argv.slice(2);
await buildKernel({ source, out, runtime: runtime as BuildOptions['runtime'] & string });
